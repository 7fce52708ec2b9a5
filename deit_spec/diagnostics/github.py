"""Diagnostics as workflow commands, which GitHub shows as annotations.

The commands: https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
Their escapes: `escapeData` and `escapeProperty` in
https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts.
"""

from collections.abc import Iterable
from typing import Final

from deit_spec.diagnostics.diagnostic import Diagnostic, Severity
from deit_spec.diagnostics.printable import visible

_DATA: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY: Final = _DATA | str.maketrans({":": "%3A", ",": "%2C"})


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """Write a command for each diagnostic, one per line."""
    return "".join(f"{_command(each)}\n" for each in diagnostics)


def _command(found: Diagnostic) -> str:
    span = found.primary.span
    properties = {"file": visible(span.source.name), "line": span.line}
    if span.end_line == span.line:
        # GitHub marks columns only within one line.
        last = max(span.end_column - 1, span.column)
        properties |= {"col": span.column, "endColumn": last}
    else:
        properties["endLine"] = span.end_line
    properties["title"] = f"deit-spec {found.code}"
    listed = ",".join(
        f"{key}={str(value).translate(_PROPERTY)}" for key, value in properties.items()
    )
    command = "notice" if found.severity is Severity.NOTE else found.severity.value
    return f"::{command} {listed}::{_message(found).translate(_DATA)}"


def _message(found: Diagnostic) -> str:
    """Join the message and everything that the text format shows except the source."""
    label = f": {found.primary.text}" if found.primary.text else ""
    related = [f"{each.span}: {each.text}" for each in found.secondary if each.text]
    lines = "\n".join([f"{found.message}{label}", *related, *found.remarks])
    # The log of the runner is a terminal too.
    return "\n".join(map(visible, lines.split("\n")))
