"""The formats in which diagnostics are printed."""

from collections.abc import Sequence
from enum import Enum
from typing import Final

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
