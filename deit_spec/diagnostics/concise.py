"""Findings one a line, as compilers print them: `base.yaml:3:12: error[DS203]: …`."""

from collections.abc import Iterable

from deit_spec.diagnostics.model import Diagnostic
from deit_spec.diagnostics.visible import visible


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """Write a line for each finding; the first help follows its message."""
    return "".join(f"{_line(each)}\n" for each in diagnostics)


def _line(found: Diagnostic) -> str:
    helps = f"; {found.helps[0]}" if found.helps else ""
    head = f"{found.primary.span}: {found.severity.value}[{found.code}]"
    return visible(f"{head}: {found.message}{helps}".replace("\n", " "))
