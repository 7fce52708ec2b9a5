"""The lines of a flow: where they go on, run beside it, and end."""

from collections.abc import Collection  # noqa: TC003  -- as everywhere
from dataclasses import dataclass

from deit_spec.cost import Cost
from deit_spec.diagram.canvas import FAINT, NUMBER, SHAPE, TITLE, Canvas
from deit_spec.diagram.glyphs import INTO_LEFT, INTO_TOP
from deit_spec.diagram.items import Item
from deit_spec.diagram.names import condense
from deit_spec.diagram.rails import Rails
from deit_spec.diagram.room import Area
from deit_spec.diagram.view import View

Ports = dict[str, tuple[int, int]]
"""Where the line of a value ends for now: its column and its row."""


@dataclass(frozen=True)
class Sheet:
    """The canvas, the graph drawn on it, and where its outputs came to stand."""

    canvas: Canvas
    view: View
    ends: dict[str, tuple[int, int]]


class Lines:
    """Lines downwards within an area; `y` is the next free row.

    `open` holds the lines that lead down to what comes next, `tops` the rows
    down to which the rails are drawn.
    """

    def __init__(
        self, sheet: Sheet, area: Area, y: int, *, nested: bool, beside: bool
    ) -> None:
        self.sheet, self.canvas, self.view = sheet, sheet.canvas, sheet.view
        self.area = self.whole = area
        self.y = y
        self.nested = nested
        self.beside = beside
        self.open: Ports = {}
        self.tops: dict[str, int] = {}
        self.rails = Rails()
        self.wanted: Collection[str] = ()
        self.is_frame = False
        self.is_branch = False
        self.box_width = 0

    def lane(self, value: str) -> int:
        """The column of a rail."""
        return self.whole.left + 2 * self.rails.lanes[value]

    def enter(self, value: str, x: int, y: int, readers: list[str]) -> None:
        """Take over a line from above, for `readers`."""
        by_rail, direct = value in self.rails.lanes, value in self.rails.direct
        if direct and not by_rail and self.is_branch:
            self.open[value] = (x, y)
            return
        self.label(value, x, y)
        if not by_rail and not direct:
            self.end_names(value, x, [f"to {name}" for name in condense(readers)])

    def label(self, value: str, x: int, top: int) -> None:
        """Draw a line on by one row, with its shape, and send off its rail."""
        y, view = self.y, self.view
        self.canvas.vertical(x, top, y)
        self.canvas.write(x + 2, y, view.shape(value), SHAPE, self.whole.right)
        if value in self.rails.lanes:
            self.canvas.horizontal(self.lane(value), x, y)
            self.tops[value] = y
        if value in self.rails.direct:
            self.open[value] = (x, y)
        self.y += 1

    def leave(self, item: Item, bottom: int, *, is_last: bool) -> None:
        """Draw what comes out of an item, and how much all its copies cost."""
        trunk, value = self.area.trunk, item.value
        if item.count > 1:
            self.times(item)
        if is_last and value in self.wanted and self.is_frame:
            self.open[value] = (trunk, bottom)
            return
        names = self.names_of(item)
        self.label(value, trunk, bottom)
        goes_on = value in self.rails.direct or value in self.rails.lanes
        if goes_on:
            self.side_names(value, names)
        else:
            self.end_names(value, trunk, names)

    def names_of(self, item: Item) -> list[str]:
        """The outputs that a value is, or who reads it where no line leads."""
        with self.view.inside(item.scopes):
            names = self.view.output_names(item.inner)
        value = item.value
        if names or value in self.rails.direct or value in self.rails.lanes:
            return names
        return [f"to {name}" for name in condense(self.view.readers(value))]

    def side_names(self, value: str, names: list[str]) -> None:
        """Write outputs beside a line that goes on."""
        trunk = self.area.trunk
        for name in names:
            self.canvas.vertical(trunk, self.y - 1, self.y)
            self.canvas.horizontal(trunk, trunk + 2, self.y)
            self.canvas.write(trunk + 2, self.y, INTO_LEFT, FAINT, trunk + 3)
            self.canvas.write(trunk + 4, self.y, name, TITLE, self.whole.right)
            if value in self.open:
                self.open[value] = (trunk, self.y)
            self.y += 1

    def end_names(self, value: str, x: int, names: list[str]) -> None:
        """Write outputs below a line that ends."""
        text = ", ".join(names)
        if names:
            self.canvas.vertical(x, self.y - 1, self.y)
            self.canvas.write(x, self.y, INTO_TOP, FAINT, x + 1)
            self.y += 1
            start = max(self.area.left, x - (len(text) - 1) // 2)
            self.canvas.write(start, self.y, text, TITLE, self.whole.right)
            self.y += 1
        self.sheet.ends[value] = (x, self.y - 1)

    def times(self, item: Item) -> None:
        """Say what all copies of an item cost, in the row below the first."""
        cost = Cost()
        for scope in item.scopes:
            cost += self.view.subtotals[scope.path]
        if cost == Cost():
            return
        text = f"× {item.count} ="
        start = self.whole.right - len(text)
        label = self.view.shape(item.value) if item.value else ""
        self.canvas.write(start, self.y, text, FAINT, self.whole.right)
        self.canvas.charge(self.y, cost, FAINT if self.nested else NUMBER)
        if self.area.trunk + 3 + len(label) >= start:
            self.y += 1
