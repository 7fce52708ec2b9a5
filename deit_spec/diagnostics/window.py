"""A source line as it is drawn: made visible, and cut where it is too long."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate, chain
from typing import Final, TypeAlias

from rich.cells import cell_len

from deit_spec.diagnostics.visible import visible_character

_CUT: Final = "…"


Range: TypeAlias = tuple[int, int]
"""Offsets of characters: the first, and the one after the last."""


class Window:
    """The drawn text of a line, and the cell at which each character stands.

    A line that is too wide keeps what is around the marked ranges; each stretch
    that is left out becomes `…`.
    """

    def __init__(self, line: str, marked: Iterable[Range], width: int) -> None:
        self._shown, cells = _measured(line)
        self._stretches: list[tuple[int, str]] = []
        self.text, start = "", 0
        for gap in _cuts(cells, sorted(marked), width):
            self._keep(start, gap[0])
            self.text += _CUT
            start = gap[1]
        self._keep(start, len(line))

    def cell(self, offset: int) -> int:
        """Give the cell, from 0, in which a character begins; it must be kept."""
        kept = (each for each in reversed(self._stretches) if each[0] <= offset)
        start, before = next(kept)
        # Measured as a whole: emoji and accents are narrower joined than apart.
        return cell_len(before + "".join(self._shown[start:offset]))

    def _keep(self, start: int, end: int) -> None:
        self._stretches.append((start, self.text))
        self.text += "".join(self._shown[start:end])


@lru_cache(maxsize=4)
def _measured(line: str) -> tuple[list[str], list[int]]:
    """Show each character, and sum up their cells.

    Kept for the next finding, for a file may be one long line with thousands.
    """
    shown = [visible_character(character) for character in line]
    return shown, [0, *accumulate(map(cell_len, shown))]


def _cuts(cells: Sequence[int], marked: Sequence[Range], width: int) -> list[Range]:
    """Choose what to leave out: as little as lets the line fit."""
    if cells[-1] <= width:
        return []
    edges = [(offset, offset) for offset in sorted(chain(*marked))]
    # A range that has no room as a whole is shown where it starts and ends.
    radius = _widest(cells, marked, width)
    if radius:
        return _gaps(len(cells) - 1, marked, radius)
    return _gaps(len(cells) - 1, edges, max(_widest(cells, edges, width), 1))


def _widest(cells: Sequence[int], kept: Sequence[Range], width: int) -> int:
    """Find how much may stay around what is kept; 0 where nothing fits."""
    length = len(cells) - 1

    def drawn(radius: int) -> int:
        gaps = _gaps(length, kept, radius)
        return cells[-1] - sum(cells[end] - cells[start] - 1 for start, end in gaps)

    return bisect_right(range(1, length + 1), width, key=drawn)


def _gaps(length: int, kept: Sequence[Range], radius: int) -> list[Range]:
    """Give the stretches that are farther than the radius from all that is kept."""
    starts = [*(start - radius for start, _ in kept), length]
    ends = accumulate([0, *(end + radius for _, end in kept)], max)
    # A gap of one character is as wide as the mark for it.
    return [
        (end, start) for end, start in zip(ends, starts, strict=True) if start - end > 1
    ]
