"""Where findings and spans are, as numbers to compare."""

from deit_spec.diagnostics import Diagnostic, Span

Place = tuple[int, int, int, int]
"""A line and a column, and those behind the end."""
Finding = tuple[str, int, int, int, int]
"""A code, a line and a column, and those behind the end."""


def finding(problem: Diagnostic) -> Finding:
    return problem.code, *place(problem.primary.span)


def place(span: Span) -> Place:
    return span.line, span.column, span.end_line, span.end_column
