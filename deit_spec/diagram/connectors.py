"""The lines between the boxes of a figure."""

from collections.abc import Collection
from dataclasses import dataclass

from deit_spec.cost import Cost
from deit_spec.diagram.area import Area
from deit_spec.diagram.arrange import Fork, Single, Step
from deit_spec.diagram.canvas import FAINT, NUMBER, SHAPE, TITLE, Canvas
from deit_spec.diagram.cost_range import exactly
from deit_spec.diagram.graph_view import View, condense
from deit_spec.diagram.items import Item


def plan_rails(
    steps: list[Step], entries: Collection[str], wanted: Collection[str], most: int
) -> tuple[dict[str, int], set[str]]:
    """Assign up to `most` lanes to values read further down; also return direct ones.

    `entries` are the values from above, and `wanted` those that continue below.
    """
    made = dict.fromkeys(entries, -1)
    for place, step in enumerate(steps):
        if isinstance(step, Single):
            made[step.item.value] = place
    direct: set[str] = set()
    ends: dict[str, int] = {}
    for place, values in enumerate([*map(reads_of, steps), wanted]):
        is_fork = place < len(steps) and isinstance(steps[place], Fork)
        for value in made.keys() & values:
            if made[value] == place - 1:
                direct.add(value)
            elif made[value] < place and not is_fork:
                ends[value] = place
    lanes: dict[str, int] = {}
    busy: list[int] = []
    for value in sorted(ends, key=lambda value: (made[value], value)):
        lane = next((k for k, end in enumerate(busy) if end <= made[value]), len(busy))
        if lane < most:
            busy[lane : lane + 1] = [ends[value]]
            lanes[value] = lane
    return lanes, direct


def reads_of(step: Step) -> set[str]:
    """Return the values that a step reads."""
    return {value for item in step.items for value in item.reads}


Ports = dict[str, tuple[int, int]]
"""The column and the row of the current end of the line of each value."""


@dataclass(frozen=True)
class Sheet:
    """The canvas, its graph, and the positions of the outputs."""

    canvas: Canvas
    view: View
    ends: dict[str, tuple[int, int]]


class Lines:
    """Draws lines downwards within an area; `y` is the next free row."""

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
        self.lanes: dict[str, int] = {}
        self.direct: set[str] = set()
        self.wanted: Collection[str] = ()
        self.is_frame = False
        self.is_branch = False
        self.box_width = 0

    def lane(self, value: str) -> int:
        """Return the column of a rail."""
        return self.whole.left + 2 * self.lanes[value]

    def enter(self, value: str, x: int, y: int, readers: list[str]) -> None:
        """Continue a line from above to its `readers`."""
        by_rail, direct = value in self.lanes, value in self.direct
        if direct and not by_rail and self.is_branch:
            self.open[value] = (x, y)
            return
        self.label(value, x, y)
        if not by_rail and not direct:
            self.end_names(value, x, [f"to {name}" for name in condense(readers)])

    def label(self, value: str, x: int, top: int) -> None:
        """Extend a line by a row with its shape, and start its rail."""
        y, view = self.y, self.view
        self.canvas.vertical(x, top, y)
        self.canvas.write(x + 2, y, view.shape(value), SHAPE, self.whole.right)
        if value in self.lanes:
            self.canvas.horizontal(self.lane(value), x, y)
            self.tops[value] = y
        if value in self.direct:
            self.open[value] = (x, y)
        self.y += 1

    def leave(self, item: Item, bottom: int, *, is_last: bool) -> None:
        """Draw the output of an item, and the cost of all scopes that it represents."""
        trunk, value = self.area.trunk, item.value
        if item.count > 1:
            self.times(item)
        if is_last and value in self.wanted and self.is_frame:
            self.open[value] = (trunk, bottom)
            return
        self.label(value, trunk, bottom)
        with self.view.inside(item.scopes):
            names = self.view.output_names(item.inner)
        if value in self.direct or value in self.lanes:
            self.side_names(value, names)
        else:
            readers = condense(self.view.readers(value))
            self.end_names(value, trunk, names or [f"to {name}" for name in readers])

    def side_names(self, value: str, names: list[str]) -> None:
        """Write the names of outputs beside a line that continues."""
        trunk = self.area.trunk
        for name in names:
            self.canvas.vertical(trunk, self.y - 1, self.y)
            self.canvas.horizontal(trunk, trunk + 2, self.y)
            self.canvas.arrow(trunk + 2, self.y, "right")
            self.canvas.write(trunk + 4, self.y, name, TITLE, self.whole.right)
            if value in self.open:
                self.open[value] = (trunk, self.y)
            self.y += 1

    def end_names(self, value: str, x: int, names: list[str]) -> None:
        """Write the names of outputs below a line that ends."""
        text = ", ".join(names)
        if names:
            self.canvas.vertical(x, self.y - 1, self.y)
            self.canvas.arrow(x, self.y, "down")
            self.y += 1
            start = max(self.area.left, x - (len(text) - 1) // 2)
            self.canvas.write(start, self.y, text, TITLE, self.whole.right)
            self.y += 1
        self.sheet.ends[value] = (x, self.y - 1)

    def times(self, item: Item) -> None:
        """Write the cost of all scopes of an item in the row below it."""
        cost = self.view.whole(item.scopes)
        if cost == Cost():
            return
        differs = self.view.subtotal(item.scopes).differs
        text = "in total" if differs else f"× {item.count} ="
        start = self.whole.right - len(text)
        label = self.view.shape(item.value)
        self.canvas.write(start, self.y, text, FAINT, self.whole.right)
        self.canvas.charge(self.y, exactly(cost), FAINT if self.nested else NUMBER)
        if self.area.trunk + 3 + len(label) >= start:
            self.y += 1
