"""Fixes applied to the text that they were made for."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from deit_spec.diagnostics.model import Edit, Fix, Source

Range: TypeAlias = tuple[int, int, str]
"""Two offsets, and the text to put between them."""


def apply(fixes: Iterable[Fix], source: Source) -> tuple[str, list[Fix]]:
    """Give the text with fixes applied, and the fixes that were.

    A fix that touches what an earlier one changes waits: the text has to be read
    anew first. So does one of another source. All outside the edits stays.
    """
    taken: list[Range] = []
    applied = []
    for fix in fixes:
        if any(edit.span.source is not source for edit in fix.edits):
            continue
        ranges = [_range(edit) for edit in fix.edits]
        if any(_is_touched(new, taken) for new in ranges):
            continue
        for new in ranges:
            insort(taken, new)
        applied.append(fix)
    text = source.text
    pieces, last = [], 0
    for start, end, replacement in taken:
        pieces += [text[last:start], replacement]
        last = end
    return "".join([*pieces, text[last:]]), applied


def _range(edit: Edit) -> Range:
    span, source = edit.span, edit.span.source
    start = source.offset(span.line, span.column)
    return start, source.offset(span.end_line, span.end_column), edit.text


def _is_touched(new: Range, taken: Sequence[Range]) -> bool:
    """Whether a range overlaps one of the sorted others, or meets it.

    What meets waits, too: of insertions at one place, the order is not known.
    """
    index = bisect_left(taken, new)
    before = index > 0 and new[0] <= taken[index - 1][1]
    return before or (index < len(taken) and taken[index][0] <= new[1])
