"""The places of the nodes, frames and edges of a vector figure."""

from dataclasses import dataclass, field
from itertools import chain, count, pairwise

from deit_spec.diagram.box_text import LINE, PAD, SIZE, Text
from deit_spec.diagram.groups import Group, Groups
from deit_spec.diagram.vector_plan import (
    BESIDE,
    FRAME_PAD,
    LANE,
    RADIUS,
    Plan,
    Planner,
    Step,
)

Point = tuple[float, float]
Port = list[Point]
"""The points of a line so far, from the node that computes the value."""
Lines = tuple[dict[str, Port], dict[str, Port]]
"""The lines from the step above, and those along rails, by value."""

_BELOW = 5.0
_ARROW = 10.0
_ROW = 8.0
_HEAD = 18.0


@dataclass
class Node:
    """A box, a frame, a sum or the name of an output, with its text."""

    group: Group
    kind: str
    x: float
    y: float
    width: float
    height: float
    texts: list[Text] = field(default_factory=list)


@dataclass(frozen=True)
class Edge:
    """A line through points; `kind` is `flow`, `residual` or `predict`."""

    source: str
    target: str
    points: tuple[Point, ...]
    kind: str = "flow"


class VectorLayout(Planner):
    """Places the groups of a figure in a page that is at least `width` wide."""

    def __init__(self, groups: Groups, width: float, widest: float) -> None:
        super().__init__(groups)
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        room = min(width, widest)
        plan = self.plan(groups.top, [], room)
        unused = self.plan(groups.unused, [], room, flat=True)
        self.body = max(min(width, widest), plan.least, unused.least)
        self.width = max(width, self.body)
        left = (self.width - self.body) / 2
        right = left + self.body
        self.height, _ = self._place(plan, left, right, 0.0, {})
        if groups.unused:
            self._place_unused(unused, left, right)

    def _place(
        self, plan: Plan, left: float, right: float, y: float, entries: dict[str, Port]
    ) -> tuple[float, dict[str, Port]]:
        """Place steps from `y` on; return the end, and the lines to wanted values."""
        rails: dict[str, Port] = {}
        ports: dict[str, Port] = {}
        start = left
        left, right = left + plan.margin, right - plan.margin
        middle = (left + right) / 2

        def leave(made: dict[str, Port]) -> None:
            """Continue values in the rows below, and start their rails."""
            nonlocal y
            ports.clear()
            railed_first = sorted(
                made.items(),
                key=lambda each: (
                    each[1][-1][1],
                    each[0] not in plan.lanes,
                    round(each[1][-1][0]) != round(middle),
                ),
            )
            used = [points[-1][0] for points in made.values()]
            for value, points in railed_first:
                if ports and ({value, *ports} & plan.lanes.keys()):
                    y += _ROW  # or else it would be on another line
                x, row = points[-1]
                y = max(row, y)
                ports[value] = [*points, (x, y)]
                if value in plan.lanes:
                    lane = start + LANE * plan.lanes[value] + LANE / 2
                    rails[value] = [*ports[value], (lane, y)]
                if not left + PAD <= x <= right - PAD:  # else it would be on a rail
                    places = (left + PAD + 2 * LANE * place for place in count())
                    x = next(
                        x
                        for x in chain([middle], places)
                        if all(abs(x - other) > LANE for other in used)
                    )
                    used.append(x)
                    ports[value].append((x, y))

        leave(entries)
        y = max([y, *(points[-1][1] for points in entries.values())])
        for step in plan.steps:
            made: dict[str, Port]
            if step.group is None:
                y, made = self._place_fork(step, left, right, y, (ports, rails))
            else:
                y = self._place_beside(step, left, right, y, ports)
                y, made = self._place_group(
                    step, step.group, left, right, y, (ports, rails)
                )
            y += _BELOW
            leave(made)
        exits = {}
        for value in plan.wanted:
            if value in ports:
                exits[value] = ports[value]
            else:
                exits[value] = [*rails[value], (rails[value][-1][0], y)]
        return y, exits

    def _place_beside(
        self, step: Step, left: float, right: float, y: float, ports: dict[str, Port]
    ) -> float:
        """Place the chains that only this group reads, left and right of the middle."""
        if not step.beside:
            return y
        y += _BELOW
        middle, bottom = (left + right) / 2, y
        for points in ports.values():
            points.append((middle, points[-1][1]))
        half = (len(step.beside) + 1) // 2
        sides = (
            (step.beside[:half], left, middle - BESIDE),
            (step.beside[half:], middle + BESIDE, right),
        )
        for plans, start, end in sides:
            for plan, (x0, x1) in zip(plans, _shares(plans, start, end), strict=True):
                below, exits = self._place(plan, x0, x1, y, {})
                ports |= exits
                bottom = max(bottom, below)
        for plan in step.beside:
            for value in plan.wanted:
                ports[value].append((ports[value][-1][0], bottom))
        return bottom

    def _place_fork(
        self,
        step: Step,
        left: float,
        right: float,
        y: float,
        lines: Lines,
    ) -> tuple[float, dict[str, Port]]:
        """Place branches side by side, each with its own lines from above."""
        ports, rails = lines
        made: dict[str, Port] = {}
        top, starts = y, []
        for plan, (x0, x1) in zip(
            step.beside, _shares(step.beside, left, right), strict=True
        ):
            reads = dict.fromkeys(
                v for s in plan.steps for g in s.groups for v in self.reads(g)
            )
            entries: dict[str, Port] = {}
            for value in (v for v in reads if v not in plan.made or plan.made[v] < 0):
                middle = (x0 + x1) / 2 + 2 * LANE * len(entries)
                if value in ports:
                    entries[value] = [*ports[value], (middle, ports[value][-1][1])]
                elif value in rails:
                    y += _ROW
                    x = rails[value][-1][0]
                    entries[value] = [*rails[value], (x, y), (middle, y)]
            starts.append((plan, x0, x1, entries))
        rows = [p[-1][1] for *_, entries in starts for p in entries.values()]
        if y > top or len({v for *_, entries in starts for v in entries}) > 1:
            y = max([y, *rows]) + _ROW
        bottom = y
        for plan, x0, x1, entries in starts:
            below, exits = self._place(plan, x0, x1, y, entries)
            made |= exits
            bottom = max(bottom, below)
        for points in made.values():
            points.append((points[-1][0], bottom))
        return max(bottom, top), made

    def _place_group(  # noqa: PLR0913, PLR0917  -- a place, and the lines to it
        self,
        step: Step,
        group: Group,
        left: float,
        right: float,
        y: float,
        lines: Lines,
    ) -> tuple[float, dict[str, Port]]:
        """Place a group; return its lower end and the lines of its values."""
        ports, rails = lines
        above = {v: ports[v] for v in self.reads(group) if v in ports}
        beside = {v: rails[v] for v in self.reads(group) if v in rails}
        beside = {v: points for v, points in beside.items() if v not in above}
        missing = set(self.reads(group)) - above.keys() - beside.keys()
        self.named[group.path] = sorted(missing)
        y += _ARROW if above and step.inner is None else _BELOW
        if step.inner is not None:
            inner = step.inner
            return self._place_frame(group, inner, left, right, y, (above, beside))
        middle = (left + right) / 2
        if self.is_add(group) and len(above) == len(beside) + len(missing) == 1:
            (points,) = above.values()
            points.append((middle, points[-1][1]))
        xs = [points[-1][0] for points in (*above.values(), *beside.values())]
        sides = [sum(x < middle - 1 for x in xs), sum(x > middle + 1 for x in xs)]
        start = max([middle + RADIUS, *(x for x in xs if x > middle)]) + _BELOW
        fits = start + self.sum_text(group).width <= right
        fits = fits and not any(1 <= abs(x - middle) <= 2 * RADIUS for x in xs)
        is_sum = self.is_add(group) and not missing and max(sides) <= 1 and fits
        if is_sum and len(xs) > 1:
            bottom = self._place_sum(group, middle, y, (above, beside))
        else:
            bottom = self._place_box(group, left, right, y, (above, beside))
        port = (middle, bottom)
        for name in self.end_names(group):
            text = Text(name, "name")
            low = bottom + _ARROW + _BELOW
            half = text.width / 2 + PAD
            node = Node(group, "output", middle - half, low, 2 * half, LINE + 4)
            node.texts.append(text.at(half, LINE, "middle"))
            self.nodes.append(node)
            self.edges.append(
                Edge(group.path, f"output {name}", ((middle, bottom), (middle, low)))
            )
            bottom = low + node.height
            port = (middle, bottom)
        return bottom, {group.path: [port]}

    def _place_sum(
        self,
        group: Group,
        middle: float,
        y: float,
        lines: Lines,
    ) -> float:
        """Place a sum as a sign; lines from the sides meet it at its height."""
        centre = y + RADIUS
        for value, points in (*lines[0].items(), *lines[1].items()):
            x = points[-1][0]
            way = [(x, centre), (middle + (RADIUS if x > middle else -RADIUS), centre)]
            way = [(middle, y)] if abs(x - middle) < 1 else way
            self._connect(value, group, [*points, *way])
        node = Node(group, "sum", middle - RADIUS, y, 2 * RADIUS, 2 * RADIUS)
        text = self.sum_text(group)
        rights = [points[-1][0] for points in lines[0].values()]
        end = max([middle + RADIUS, *(x for x in rights if x > middle + 1)])
        node.texts.append(text.at(end - node.x + _BELOW, RADIUS + SIZE / 3))
        self.nodes.append(node)
        return y + 2 * RADIUS

    def _place_box(
        self,
        group: Group,
        left: float,
        right: float,
        y: float,
        lines: Lines,
    ) -> float:
        """Place a layer, or a stage, as a box."""
        above, beside = lines
        texts, height = self.content(group).lay(right - left)
        height = max(height, 2 * PAD + _ROW * len(beside))
        self.nodes.append(Node(group, "box", left, y, right - left, height, texts))
        for value, points in above.items():
            x, row = points[-1]
            within = left + PAD <= x <= right - PAD
            x = x if within else (left + right) / 2
            self._connect(value, group, [*points, (x, row), (x, y)])
        for place, (value, points) in enumerate(beside.items()):
            row = y + PAD + 4 + _ROW * place
            way = [(points[-1][0], row), (left, row)]
            self._connect(value, group, [*points, *way])
        return y + height

    def _place_frame(  # noqa: PLR0913, PLR0917  -- a place, and the lines to it
        self,
        group: Group,
        plan: Plan,
        left: float,
        right: float,
        y: float,
        lines: Lines,
    ) -> tuple[float, dict[str, Port]]:
        """Place a scope as a frame around its flow."""
        (above, beside), middle = lines, (left + right) / 2
        top = y + _HEAD
        entries: dict[str, Port] = {}
        is_fork = plan.steps[0].group is None
        arriving = sorted(
            (above | beside).items(),
            key=lambda each: (
                each[0] in beside,
                (round(each[1][-1][0]) == round(middle)) is not is_fork,
                each[1][-1][0],
            ),
        )
        for place, (value, points) in enumerate(arriving):
            x, row = points[-1][0], top + _ROW * place
            entries[value] = [*points, (x, row)]
            if value in beside:
                entries[value].append((left, row))
        node = Node(group, "frame", left, y, right - left, 0.0)
        title = Text(group.item.title, "name")
        xs = sorted(points[-1][0] for points in above.values())
        gaps = pairwise([left, *xs, right])
        wide = (start for start, end in gaps if end - start > title.width + 2 * PAD)
        start = next(wide, left) + PAD
        node.texts.append(title.at(start - left, LINE))
        end = min([right, *(x for x in xs if x > middle + 1)])
        cost = self.caption(group, end - max(middle, start + title.width) - 2 * PAD)
        if cost.text:
            node.texts.append(cost.at(end - left - PAD, LINE, "end"))
        self.nodes.append(node)
        inner = (left + FRAME_PAD, right - FRAME_PAD)
        bottom, exits = self._place(plan, *inner, top, entries)
        bottom += 2
        node.height = bottom - y
        for points in exits.values():
            points.append((points[-1][0], bottom))
        return bottom, exits

    def _place_unused(self, plan: Plan, left: float, right: float) -> None:
        """List the layers that no output depends on."""
        y = self.height + _ARROW
        item = plan.steps[0].groups[0]
        node = Node(item, "unused", left, y, right - left, 0.0)
        node.texts.append(Text("kept for the state dict", "name").at(PAD, LINE))
        self.nodes.append(node)
        y += _HEAD
        for step in plan.steps:
            for group in step.groups:
                self.named[group.path] = self.reads(group)
                inner = (left + FRAME_PAD, right - FRAME_PAD)
                y = self._place_box(group, *inner, y, ({}, {})) + _BELOW
        node.height = y + 2 - node.y
        self.height = y + 2

    def _connect(self, source: str, group: Group, points: Port) -> None:
        """Note an edge, without the points on a straight line."""
        kind = "predict" if group.path == self.groups.view.extra else "flow"
        if self.is_add(group) and source == self.reads(group)[0]:
            kind = "residual"
        found: Port = []
        for x, y in ((round(x, 3), round(y, 3)) for x, y in points):
            while len(found) > 1 and (
                found[-2][0] == found[-1][0] == x or found[-2][1] == found[-1][1] == y
            ):
                found.pop()
            if found and found[-1] == (x, y):
                continue
            found.append((x, y))
        self.edges.append(Edge(source, group.path, tuple(found), kind))


def _shares(plans: list[Plan], start: float, end: float) -> list[tuple[float, float]]:
    """Divide a width equally, unless a plan needs more."""
    room = end - start - BESIDE * (len(plans) - 1)
    equal = room / max(1, len(plans))
    widths = [plan.least for plan in plans]
    if any(width > equal for width in widths):
        widths = [width + (room - sum(widths)) / len(plans) for width in widths]
    else:
        widths = [equal] * len(plans)
    found = []
    for width in widths:
        found.append((start, start + width))
        start = found[-1][1] + BESIDE
    return found
