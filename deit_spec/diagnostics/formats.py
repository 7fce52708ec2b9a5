"""The formats in which diagnostics are printed, and the error that shows them."""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import ClassVar, Final

from deit_spec.diagnostics.diagnostic import Diagnostic
from deit_spec.diagnostics.printable import visible


class Format(Enum):
    """A format for diagnostics; `render` writes all but `TEXT`."""

    TEXT = "text"
    CONCISE = "concise"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


DOCUMENT_FORMATS: Final = frozenset({Format.JSON, Format.SARIF})
"""The formats in which all diagnostics, even none, are one document."""


class DiagnosedError(Exception):
    """An input is rejected. `diagnostics` holds all findings, in source order.

    Its text is `headline`, then the findings as `validate` prints them.
    """

    headline: ClassVar[str] = ""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        from deit_spec.diagnostics.text import render as as_text  # noqa: PLC0415  -- imports rich

        text = as_text(self.diagnostics).plain.rstrip()
        return f"{self.headline}\n\n{text}" if self.headline else text


def render(diagnostics: Sequence[Diagnostic], output_format: Format) -> str:
    """Write diagnostics in a format other than text, which needs rich."""
    from deit_spec.diagnostics import github, json_form, sarif  # noqa: PLC0415

    writers = {
        Format.CONCISE: concise,
        Format.JSON: json_form.render,
        Format.GITHUB: github.render,
        Format.SARIF: sarif.render,
    }
    return writers[output_format](diagnostics)


def concise(diagnostics: Sequence[Diagnostic]) -> str:
    """Write a line for each diagnostic: `base.yaml:3:12: error[DS203]: …; help`."""
    return "".join(f"{_line(each)}\n" for each in diagnostics)


def _line(found: Diagnostic) -> str:
    helps = f"; {found.helps[0]}" if found.helps else ""
    head = f"{found.primary.span}: {found.severity.value}[{found.code}]"
    return visible(f"{head}: {found.message}{helps}".replace("\n", " "))
