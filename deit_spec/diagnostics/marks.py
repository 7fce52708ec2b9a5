"""The rows under a source line: underlines, and the words that belong to them."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text

from deit_spec.diagnostics.visible import visible


class Mark(NamedTuple):
    """An underline from one cell up to another, and its words, maybe none."""

    start: int
    end: int
    label: str
    primary: bool
    style: str


def rows_under(marks: Sequence[Mark]) -> list[Text]:
    """Draw the underlines in one row, and beneath it the words that fit not there.

    The words of the rightmost mark follow it; those of the others hang beneath,
    from right to left, each on a line `|` of its own:

        - -- ^^^ right
        | |
        | middle
        left
    """
    inline = _inline(marks)
    row = _underlines(marks)
    if inline:
        row.append(" " + visible(inline.label), inline.style)
    hanging = [mark for mark in marks if mark.label and mark is not inline]
    hanging.sort(key=lambda mark: mark.start, reverse=True)
    rows = [row, _stems(hanging)] if hanging else [row]
    for index, mark in enumerate(hanging):
        left = [other for other in hanging[index + 1 :] if other.start < mark.start]
        row = _stems(left)
        row.append(" " * (mark.start - cell_len(row.plain)))
        row.append(visible(mark.label), mark.style)
        rows.append(row)
    return rows


def _inline(marks: Sequence[Mark]) -> Mark | None:
    """Find the mark after which nothing else is drawn."""
    last = max(marks, key=lambda mark: (mark.start, mark.end, mark.primary))
    clear = all(mark.end <= last.end for mark in marks)
    return last if clear and last.label else None


def _underlines(marks: Sequence[Mark]) -> Text:
    row = [(" ", "")] * max(mark.end for mark in marks)
    for mark in sorted(marks, key=lambda mark: mark.primary):
        line = ("^" if mark.primary else "-", mark.style)
        row[mark.start : mark.end] = [line] * (mark.end - mark.start)
    return _text(row)


def _stems(marks: Sequence[Mark]) -> Text:
    row = [(" ", "")] * max((mark.start + 1 for mark in marks), default=0)
    for mark in marks:
        row[mark.start] = ("|", mark.style)
    return _text(row)


def _text(cells: Sequence[tuple[str, str]]) -> Text:
    text = Text()
    for style, run in groupby(cells, key=lambda cell: cell[1]):
        text.append("".join(character for character, _ in run), style)
    return text
