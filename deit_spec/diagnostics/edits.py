"""Fixes applied to the text that they were made for."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from deit_spec.diagnostics.diagnostic import Edit, Fix, Source

Range: TypeAlias = tuple[int, int, str]
"""Two offsets, and the text to put between them."""


def apply(
    fixes: Iterable[Fix], source: Source, room: int | None = None
) -> tuple[str, list[Fix]]:
    """Give the text with fixes applied, and the fixes that were.

    A fix that touches what an earlier one changes waits: the text has to be read
    anew first. So does one of another source, and one for which there is no room: with
    it the text would have more than `room` bytes. All outside the edits stays.
    """
    text, taken, applied = source.text, list[Range](), list[Fix]()
    left = None if room is None else room - len(text.encode())
    for fix in fixes:
        if any(edit.span.source is not source for edit in fix.edits):
            continue
        ranges = [_range(edit) for edit in fix.edits]
        if any(_is_touched(new, taken) for new in ranges):
            continue
        if left is not None:
            growth = sum(_growth(new, text) for new in ranges)
            if growth > left:
                continue
            left -= growth
        for new in ranges:
            insort(taken, new)
        applied.append(fix)
    pieces, last = [], 0
    for start, end, replacement in taken:
        pieces += [text[last:start], replacement]
        last = end
    return "".join([*pieces, text[last:]]), applied


def _range(edit: Edit) -> Range:
    return edit.span.start, edit.span.end, edit.text


def _growth(new: Range, text: str) -> int:
    """How many bytes a text grows by."""
    start, end, replacement = new
    return len(replacement.encode()) - len(text[start:end].encode())


def _is_touched(new: Range, taken: Sequence[Range]) -> bool:
    """Whether a range overlaps one of the sorted others, or meets it.

    What meets waits, too: of insertions at one place, the order is not known.
    """
    index = bisect_left(taken, new)
    before = index > 0 and new[0] <= taken[index - 1][1]
    return before or (index < len(taken) and taken[index][0] <= new[1])
