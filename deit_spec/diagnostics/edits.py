"""Fixes applied to the text that they were made for."""

from collections.abc import Iterable

from deit_spec.diagnostics.model import Edit, Fix, Source


def apply(fixes: Iterable[Fix], source: Source) -> tuple[str, list[Fix]]:
    """Give the text with fixes applied, and the fixes that were.

    A fix that touches what an earlier one changes waits: the text has to be read
    anew first. So does one of another source. All outside the edits stays.
    """
    taken: list[tuple[int, int, str]] = []
    applied = []
    for fix in fixes:
        if any(edit.span.source is not source for edit in fix.edits):
            continue
        ranges = [_range(edit) for edit in fix.edits]
        if any(_touch(new, old) for new in ranges for old in taken):
            continue
        taken += ranges
        applied.append(fix)
    text = source.text
    for start, end, new in sorted(taken, reverse=True):
        text = text[:start] + new + text[end:]
    return text, applied


def _range(edit: Edit) -> tuple[int, int, str]:
    span, source = edit.span, edit.span.source
    start = source.offset(span.line, span.column)
    return start, source.offset(span.end_line, span.end_column), edit.text


def _touch(one: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
    """Whether two ranges overlap or meet: the order of what meets is not known."""
    return one[0] <= other[1] and other[0] <= one[1]
