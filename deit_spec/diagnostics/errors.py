"""What is raised where findings refuse something."""

from collections.abc import Iterable
from typing import ClassVar

from deit_spec.diagnostics.model import Diagnostic


class DiagnosedError(Exception):
    """Something is refused. `diagnostics` holds every finding, in source order.

    Printed, it is the findings as `validate` draws them, below `headline`.
    """

    headline: ClassVar[str] = ""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        from deit_spec.diagnostics.text import render  # noqa: PLC0415  -- rich, to print

        text = render(self.diagnostics).plain.rstrip()
        return f"{self.headline}\n\n{text}" if self.headline else text
