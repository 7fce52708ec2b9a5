"""Apply fixes to the text of their source."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from deit_spec.diagnostics.diagnostic import Edit, Fix, Source

Range: TypeAlias = tuple[int, int, str]
"""A start and an end offset, and the replacement text."""


def apply(
    fixes: Iterable[Fix], source: Source, room: int | None = None
) -> tuple[str, list[Fix]]:
    """Apply fixes, and return the new text and the fixes that were applied.

    A fix is skipped if it overlaps or touches an earlier one, if it changes another
    source, or if the text would have more than `room` bytes.
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
    """Return by how many bytes an edit increases the text."""
    start, end, replacement = new
    return len(replacement.encode()) - len(text[start:end].encode())


def _is_touched(new: Range, taken: Sequence[Range]) -> bool:
    """Return whether a range overlaps or touches one of the others, which are sorted.

    The order of two insertions at the same offset is not defined, so touching counts.
    """
    index = bisect_left(taken, new)
    before = index > 0 and new[0] <= taken[index - 1][1]
    return before or (index < len(taken) and taken[index][0] <= new[1])
