"""A grid of character cells in which lines join automatically."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len, set_cell_size

from deit_spec.diagnostics.printable import visible
from deit_spec.diagram.cost_range import NOTHING, CostRange
from deit_spec.diagram.marks import Fate, Mark

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8

SOLID: Final = " │││─╯╮┤─╰╭├─┴┬┼"
"""The character for each sum of arms."""
_DASHED: Final = {"│": "╎", "─": "╌"}

ARROWS: Final = {"down": "▼", "right": "▶", "left": "◀"}
SUM: Final = "⊕"
CUT: Final = "…"

_ASCII: Final = str.maketrans(
    "│╎─╌–−╭╮╰╯├┤┬┴┼▼▶◀⊕…→×·√ᵀ²",  # noqa: RUF001  -- the dash of ranges, and a sign
    "|:----..''+++++v><O~>x*VT2",
)


def ascii_of(text: str) -> str:
    """Replace each character that is not ASCII with one that is.

    >>> ascii_of("╭─ softmax(q·kᵀ/√D)·v ─╮")
    '.- softmax(q*kT/VD)*v -.'
    """
    return text.translate(_ASCII).encode("ascii", "replace").decode()


TITLE = "bold"
SHAPE = "cyan"
NUMBER = "green"
FAINT = "dim"
PLAIN = ""
MARKED: Final = {Fate.ADDED: "green", Fate.REMOVED: "red", Fate.CHANGED: "yellow"}


def title_style(mark: Mark | None) -> str:
    """Return the style of a name, in the colour of its mark."""
    return TITLE if mark is None else f"{TITLE} {MARKED[mark.fate]}"


def mark_style(mark: Mark | None) -> str:
    """Return the style of the changes of a mark."""
    return PLAIN if mark is None else MARKED[mark.fate]


class Canvas:
    """Cells with a character, or arms of lines; extended downwards as needed."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.height = 0
        self.costs: dict[int, tuple[CostRange, str]] = {}
        self._arms: dict[int, dict[int, int]] = defaultdict(dict)
        self._solid: set[tuple[int, int]] = set()
        self._cells: dict[int, dict[int, tuple[str, str]]] = defaultdict(dict)

    def vertical(self, x: int, top: int, bottom: int, *, dashed: bool = False) -> None:
        """Draw a line between the centres of two cells of a column."""
        for y in range(top, bottom):
            self._join(y, x, DOWN, dashed=dashed)
            self._join(y + 1, x, UP, dashed=dashed)

    def horizontal(self, x: int, end: int, y: int, *, dashed: bool = False) -> None:
        """Draw a line between the centres of two cells of a row."""
        for left in range(min(x, end), max(x, end)):
            self._join(y, left, RIGHT, dashed=dashed)
            self._join(y, left + 1, LEFT, dashed=dashed)

    def frame(self, left: int, right: int, top: int, bottom: int) -> None:
        """Draw a rectangle; all four edges are inclusive."""
        self.horizontal(left, right, top)
        self.horizontal(left, right, bottom)
        self.vertical(left, top, bottom)
        self.vertical(right, top, bottom)

    def write(self, x: int, y: int, text: str, style: str, end: int) -> int:
        """Write a text at `x`, truncated at `end`; return the column after it."""
        text = clip(visible(text), end - x)
        self.height = max(self.height, y + 1)
        for place, character in enumerate(text, x):
            self._cells[y][place] = (character, style)
        return x + len(text)

    def arrow(self, x: int, y: int, direction: str) -> None:
        """Draw the head of a line that ends here."""
        self.write(x, y, ARROWS[direction], FAINT, x + 1)

    def charge(self, y: int, cost: CostRange, style: str = NUMBER) -> None:
        """Add a cost to a row."""
        if cost != NOTHING:
            self.costs[y] = (self.costs.get(y, (NOTHING, ""))[0] + cost, style)

    def row(self, y: int) -> Iterator[tuple[str, str]]:
        """Return the characters of a row and their styles, without trailing blanks."""
        arms, cells = self._arms.get(y, {}), self._cells.get(y, {})
        for x in range(max([*arms, *cells], default=-1) + 1):
            if x in cells:
                yield cells[x]
            elif x in arms:
                line = SOLID[arms[x]]
                yield line if (y, x) in self._solid else _DASHED.get(line, line), FAINT
            else:
                yield " ", PLAIN

    def _join(self, y: int, x: int, arm: int, *, dashed: bool) -> None:
        row = self._arms[y]
        row[x] = row.get(x, 0) | arm
        self.height = max(self.height, y + 1)
        if not dashed:
            self._solid.add((y, x))


def clip(text: str, width: int) -> str:
    """Truncate a text to a width, and mark it if it was longer.

    >>> clip("blocks.11", 6)
    'block…'
    """
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1) + CUT if width > 0 else ""
