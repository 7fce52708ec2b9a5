"""The error of a pass that cannot be applied to a graph."""

from deit_spec.diagnostics import Diagnostic


class PassError(Exception):
    """A graph does not allow what a pass has to do; `diagnostics` say why."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__("\n".join(d.message for d in diagnostics))
        self.diagnostics = tuple(diagnostics)
