"""Draws the items of a scope from top to bottom, with the lines between them."""

from collections.abc import Collection
from dataclasses import replace

from deit_spec.diagram.area import Area, halves, split
from deit_spec.diagram.arrange import Fork, Single, Step, arrange
from deit_spec.diagram.boxes import (
    EDGES,
    border,
    lay,
    rows_of,
    stubs_of,
    width_of,
    wrap,
)
from deit_spec.diagram.canvas import FAINT, NUMBER, SHAPE, SUM, TITLE, title_style
from deit_spec.diagram.connectors import Lines, Ports, plan_rails, reads_of
from deit_spec.diagram.items import Item, items_of
from deit_spec.ops import Add


class Flow(Lines):
    """Draws the items of a scope and their contents."""

    def steps(self, steps: list[Step], entries: Ports, wanted: Collection[str]) -> None:
        """Draw steps, with lines from `entries` and to `wanted`."""
        self.wanted = wanted
        most = self.area.lanes
        self.lanes, self.direct = plan_rails(steps, entries, wanted, most)
        if not self.is_frame and set(wanted) & set(self.lanes):
            # The box at the end of such a rail starts further left.
            self.whole = replace(self.whole, left=self.whole.left + 2)
        lanes = max(self.lanes.values(), default=-1) + 1
        self.area = replace(self.whole, left=self.whole.left + 2 * lanes)
        singles = [step.item for step in steps if isinstance(step, Single)]
        widths = [width_of(item, self.view, beside=self.beside) for item in singles]
        self.box_width = max(widths, default=0)
        for value, (x, y) in entries.items():
            readers = [i.title for s in steps for i in s.items if value in i.reads]
            self.enter(value, x, y, readers)
        following = [*map(reads_of, steps[1:]), wanted]
        for step, after in zip(steps, following, strict=True):
            if isinstance(step, Single):
                self.single(step, is_last=step is steps[-1])
            else:
                self.fork(step, after)
        for value in wanted:
            if value in self.tops:
                self.open[value] = (self.lane(value), self.tops[value])

    def single(self, step: Single, *, is_last: bool) -> None:
        """Draw an item with its inputs and its output."""
        item = step.item
        self.feed(step.feeders)
        arriving = {v: self.open.pop(v) for v in item.reads if v in self.open}
        self.open.clear()
        by_rail = [v for v in item.reads if v in self.tops and v not in arriving]
        stubs = [v for v in item.reads if v not in arriving and v not in by_rail]
        if self.is_sum(item, arriving, by_rail) and not stubs:
            bottom = self.sum(item, arriving, by_rail)
        else:
            bottom = self.box(item, arriving, by_rail, stubs)
        self.leave(item, bottom, is_last=is_last)

    def is_sum(self, item: Item, arriving: Ports, by_rail: list[str]) -> bool:
        """Return whether an item is a sum with at most one line on each side."""
        if item.scopes or not isinstance(self.view.graph.op(item.path), Add):
            return False
        xs = [x for x, _ in arriving.values()]
        left = len(by_rail) + sum(x < self.area.trunk for x in xs)
        if left >= 2 or sum(x > self.area.trunk for x in xs) >= 2:  # noqa: PLR2004
            return False
        start = max([self.area.trunk, *xs]) + 2
        text = self.sum_text(item)
        return text == item.title or start + len(text) <= self.whole.right

    def sum_text(self, item: Item) -> str:
        """Return the text beside a sum."""
        mark = self.view.mark(item.layers)
        return ", ".join((item.title, *(mark.changes if mark else ())))

    def sum(self, item: Item, arriving: Ports, by_rail: list[str]) -> int:
        """Draw a sum as a sign on the main line; return its row."""
        y, trunk, canvas = self.y, self.area.trunk, self.canvas
        rails = [(self.lane(value), self.tops[value]) for value in by_rail]
        ends = [*arriving.values(), *rails]
        for x, top in ends:
            canvas.vertical(x, top, y)
            canvas.horizontal(x, trunk, y)
        self.tops.update(dict.fromkeys(by_rail, y))
        xs = [x for x, _ in ends]
        name = trunk + 2
        if any(x < trunk for x in xs):
            canvas.arrow(trunk - 1, y, "right")
        if any(x > trunk for x in xs):
            canvas.arrow(trunk + 1, y, "left")
            name = max(xs) + 2
        canvas.write(trunk, y, SUM, TITLE, trunk + 1)
        look = title_style(self.view.mark(item.layers))
        canvas.write(name, y, self.sum_text(item), look, self.whole.right)
        self.y += 1
        return y

    def box(
        self, item: Item, arriving: Ports, by_rail: list[str], stubs: list[str]
    ) -> int:
        """Draw a box with the lines into it; return the row of its lower border."""
        if arriving:
            for x, top in arriving.values():
                self.canvas.vertical(x, top, self.y)
                self.canvas.arrow(x, self.y, "down")
            self.y += 1
        area = self.area
        if not item.is_frame:
            area = area.around(self.box_width, [x for x, _ in arriving.values()])
        top = self.y
        if item.is_frame:
            self.frame(item, arriving, [*by_rail, *stubs])
        else:
            self.plain_box(item, area, stubs, len(by_rail))
        for place, value in enumerate(by_rail, top + 1):
            self.canvas.vertical(self.lane(value), self.tops[value], place)
            self.canvas.horizontal(self.lane(value), area.left - 1, place)
            self.canvas.arrow(area.left - 1, place, "right")
            self.tops[value] = place
        return self.y - 1

    def plain_box(self, item: Item, area: Area, stubs: list[str], least: int) -> None:
        """Draw a layer or a scope as a box with rows."""
        style = FAINT if self.nested or item.count > 1 else NUMBER
        rows = rows_of(item, self.view, stubs, beside=self.beside)
        lines = lay(rows, area.width - EDGES)
        for y, line in enumerate(lines, self.y + 1):
            for x, text, look in line.pieces:
                end = area.right - 2
                self.canvas.write(area.left + 2 + x, y, text, look, end)
            self.canvas.charge(y, line.cost, style)
        bottom = self.y + 1 + max(len(lines), least)
        look = title_style(self.view.mark(item.layers))
        border(self.canvas, area, self.y, bottom, item, look)
        if item.count > 1:
            self.canvas.charge(bottom, self.view.subtotal(item.scopes), FAINT)
        self.y = bottom + 1

    def frame(self, item: Item, arriving: Ports, named: list[str]) -> None:
        """Draw a scope as a frame with a flow inside."""
        top, area = self.y, self.area
        inner = Area(area.left + 2, area.right - 2, area.trunk)
        flow = Flow(self.sheet, inner, top + 1, nested=True, beside=False)
        flow.is_frame = True
        # Beside the lines that arrive.
        start = max((x + 2 for x, _ in arriving.values()), default=inner.left)
        with self.view.inside(item.scopes):
            stubs = [*stubs_of(named, self.view)]
        for text in stubs:
            for line in wrap(text, inner.right - start):
                self.canvas.write(start, flow.y, line, SHAPE, inner.right)
                flow.y += 1
        entries = {value: (x, top) for value, (x, _) in arriving.items()}
        with self.view.inside(item.scopes):
            inside = items_of(item.scopes[0], self.view)
            flow.steps(arrange(inside, self.view, inner), entries, [item.inner])
        bottom = flow.y
        for x, y in flow.open.values():
            self.canvas.vertical(x, y, bottom)
        look = title_style(self.view.mark(item.layers))
        border(self.canvas, area, top, bottom, item, look)
        style = FAINT if self.nested or item.count > 1 else NUMBER
        self.canvas.charge(bottom, self.view.subtotal(item.scopes), style)
        self.y = bottom + 1

    def feed(self, chains: list[list[Item]]) -> None:
        """Draw the chains beside an item, in the order of its inputs."""
        if not chains:
            return
        left, right = halves(self.area)
        half = (len(chains) + 1) // 2
        areas = split(left, half) + split(right, len(chains) - half)
        start = self.y
        for chain, area in zip(chains, areas, strict=True):
            flow = self.beneath(area, chain, start, beside=len(chains) > 1)
            flow.steps([Single(item) for item in chain], {}, [chain[-1].value])
            self.open.update(flow.open)
            self.y = max(self.y, flow.y)

    def fork(self, step: Fork, wanted: Collection[str]) -> None:
        """Draw branches side by side."""
        split_row = self.y
        areas = split(self.area, len(step.branches))
        opened: Ports = {}
        bottom = split_row + 1
        for branch, area in zip(step.branches, areas, strict=True):
            flow = self.beneath(area, branch, split_row + 1, beside=True)
            reads = {value for item in branch for value in item.reads}
            start = (flow.area.trunk, split_row)
            entries = dict.fromkeys(reads & set(self.open), start)
            for value in entries:
                x, top = self.open[value]
                self.canvas.vertical(x, top, split_row)
                self.canvas.horizontal(x, flow.area.trunk, split_row)
            flow.is_branch = True
            steps: list[Step] = [Single(item) for item in branch]
            flow.steps(steps, entries, set(wanted) - set(entries))
            opened.update(flow.open)
            bottom = max(bottom, flow.y)
        self.open, self.y = opened, bottom

    def beneath(self, area: Area, items: list[Item], y: int, *, beside: bool) -> "Flow":
        """Return a flow for a part of this area."""
        area = area.for_items(items, self.view)
        return Flow(self.sheet, area, y, nested=self.nested, beside=beside)
