"""Which groups of a vector figure are beside each other, and the width they need.

The order and the branches are those of `arrange`, as in the text figure. A value goes
straight down to the next step, and along a rail left of the boxes to later steps.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain as joined

from deit_spec.cost import Cost
from deit_spec.diagram.area import Area
from deit_spec.diagram.arrange import Single, arrange
from deit_spec.diagram.box_text import (
    PAD,
    Content,
    Text,
    content_of,
    output_names,
    priced,
)
from deit_spec.diagram.cost_range import CostRange, exactly
from deit_spec.diagram.groups import Group, Groups
from deit_spec.ops import Add

RADIUS = 8.0
LANE = 10.0
"""The distance between rails."""
FRAME_PAD = 8.0
BESIDE = 12.0
_EVERYTHING_FITS = Area(0, 10_000, 5_000)
"""The width in columns does not limit this figure, which measures its text."""


@dataclass
class Step:
    """A group with the chains beside it, or branches side by side."""

    group: Group | None
    beside: list["Plan"]
    inner: "Plan | None" = None

    @property
    def groups(self) -> list[Group]:
        """The group, or those of all branches."""
        found = [] if self.group is None else [self.group]
        return found or [
            g for plan in self.beside for s in plan.steps for g in s.groups
        ]


@dataclass
class Plan:
    """Steps from top to bottom, the lane of each rail, and the least width."""

    steps: list[Step]
    wanted: list[str]
    made: dict[str, int] = field(default_factory=dict)
    lanes: dict[str, int] = field(default_factory=dict)
    least: float = 0.0

    @property
    def margin(self) -> float:
        """The width of the rails, on both sides so that the flow is centred."""
        return LANE * (max(self.lanes.values()) + 1.5) if self.lanes else 0.0


class Planner:
    """Plans the flows of a figure, from the outermost to the innermost."""

    def __init__(self, groups: Groups) -> None:
        self.groups = groups
        self.named: dict[str, list[str]] = {}
        """The sources that are named in a box, because no line leads to it."""
        self._readers: dict[str, set[str]] = defaultdict(set)
        for source, target in groups.edges:
            self._readers[source].add(target)

    def reads(self, group: Group) -> list[str]:
        """Return the drawn values that a group reads from outside."""
        return self.groups.reads(group)

    def plan(
        self,
        members: Iterable[Group],
        wanted: list[str],
        room: float,
        *,
        flat: bool = False,
    ) -> Plan:
        """Plan a flow in about `room`; `flat` is one group below the other."""
        groups = list(members)
        if flat:
            plan = Plan([self._step(each, [], room) for each in groups], wanted)
        else:
            plan = Plan(self._steps(groups, wanted, room), wanted)
        self._plan_rails(plan)
        plan.least = 2 * plan.margin + max(map(self._least, plan.steps), default=0.0)
        return plan

    def _step(self, group: Group, beside: list[Plan], room: float) -> Step:
        step = Step(group, beside)
        if group.members:
            room -= 2 * (LANE + FRAME_PAD)
            step.inner = self.plan(group.members, self.groups.makes(group), room)
        return step

    def _steps(self, groups: list[Group], wanted: list[str], room: float) -> list[Step]:
        """Arrange groups; what does not fit side by side is placed in a column."""
        of = {group.item: group for group in groups}
        extra = [group for group in groups if group.path == self.groups.view.extra]
        items = [group.item for group in groups if group not in extra]
        steps: list[Step] = []
        for step in arrange(items, self.groups.view, _EVERYTHING_FITS):
            if isinstance(step, Single):
                chains = [[of[item] for item in chain] for chain in step.feeders]
                plans = [
                    self.plan(c, self.groups.makes(c[-1]), room, flat=True)
                    for c in chains
                ]
                group = of[step.item]
                fed = {value for plan in plans for value in plan.wanted}
                if len(set(self.reads(group)) - fed) > 1:
                    plans = []  # lines from above take their place
                found = [self._step(group, plans, room)]
            else:
                branches = [[of[item] for item in branch] for branch in step.branches]
                found = [Step(None, self._branches(branches, groups, wanted, room))]
                if not self._independent(branches):
                    found[0].beside = []
            feeders = step.feeders if isinstance(step, Single) else []
            is_lost = len(found[0].beside) < len(feeders) or not found[0].groups
            if is_lost or self._least(found[0]) > room:
                within = {*step.items, *joined.from_iterable(feeders)}
                flat = [group for group in groups if group.item in within]
                found = [self._step(group, [], room) for group in flat]
            steps += found
        return [*steps, *(self._step(group, [], room) for group in extra)]

    def _branches(
        self,
        branches: list[list[Group]],
        groups: list[Group],
        wanted: list[str],
        room: float,
    ) -> list[Plan]:
        """Plan branches, with lines down to the values that others read."""
        inside = {group for branch in branches for group in branch}
        others = [group for group in groups if group not in inside]
        used = {*wanted, *(v for group in others for v in self.reads(group))}
        plans = []
        for branch in branches:
            made = [v for group in branch for v in self.groups.makes(group)]
            wanted = [value for value in made if value in used]
            plans.append(self.plan(branch, wanted, room, flat=True))
        return plans

    def _independent(self, branches: list[list[Group]]) -> bool:
        """Return whether no branch reads a value of another."""
        makers = {
            value: place
            for place, branch in enumerate(branches)
            for group in branch
            for value in self.groups.makes(group)
        }
        return all(
            makers.get(value, place) == place
            for place, branch in enumerate(branches)
            for group in branch
            for value in self.reads(group)
        )

    def _plan_rails(self, plan: Plan) -> None:
        """Give a lane to each value that is read further down than the next step."""
        ends: dict[str, int] = {}
        reads = [{v for g in s.groups for v in self.reads(g)} for s in plan.steps]
        for place, step in enumerate(plan.steps):
            made = {value for g in step.groups for value in self.groups.makes(g)}
            plan.made.update(dict.fromkeys(made, place))
            if step.group is not None:
                fed = (value for beside in step.beside for value in beside.wanted)
                plan.made.update(dict.fromkeys(fed, place - 1))
        for place, values in enumerate([*reads, set(plan.wanted)]):
            for value in values:
                made_at = plan.made.setdefault(value, -1)
                if made_at < place - 1:
                    ends[value] = place
        busy: list[int] = []
        for value in sorted(ends, key=lambda v: (plan.made[v], -ends[v], v)):
            start = plan.made[value]
            lane = next((k for k, end in enumerate(busy) if end <= start), len(busy))
            busy[lane : lane + 1] = [ends[value]]
            plan.lanes[value] = lane

    def _least(self, step: Step) -> float:
        """Return the smallest width in which a step can be placed."""
        widths = [plan.least for plan in step.beside]
        if step.group is None:
            return sum(widths) + BESIDE * (len(widths) - 1)
        half = (len(widths) + 1) // 2
        sides = [widths[:half], widths[half:]]
        beside = 2 * max(sum(side) + BESIDE * len(side) for side in sides)
        if step.inner is not None:
            title = Text(step.group.item.title, "name").width
            caption = 2 * (title + step.inner.margin + 2 * PAD) + LANE
            return max(beside, caption, step.inner.least + 2 * FRAME_PAD)
        if self.is_add(step.group):
            text = self.sum_text(step.group, changes=False)
            return max(beside, 2 * (text.width + 2 * RADIUS))
        return max(beside, self.content(step.group).least)

    def is_add(self, group: Group) -> bool:
        """Return whether a group is a sum, which can be drawn as a sign."""
        if group.item.scopes or group in self.groups.unused:
            return False
        return isinstance(self.groups.view.graph.op(group.path), Add)

    def caption(self, group: Group, room: float) -> Text:
        """Return the cost of a frame, as much of it as fits to the right."""
        return caption_of(group, self.groups.cost(group), room)

    def content(self, group: Group) -> Content:
        """Return the text of a box."""
        notes = [f"▶ {name}" for name in self._side_names(group)]
        notes += [f"from {value}" for value in self.named.get(group.path, ())]
        return content_of(group, self.groups, notes)

    def sum_text(self, group: Group, *, changes: bool = True) -> Text:
        """Return the text beside the sign of a sum, which needs space for changes."""
        mark = self.groups.mark(group) if changes else None
        parts = [group.item.title, *(mark.changes if mark else ())]
        names = "".join(f" ▶ {name}" for name in self._side_names(group))
        return Text(f"{', '.join(parts)}{names}", "name")

    def _side_names(self, group: Group) -> list[str]:
        """Return the names of a value that is also read by a layer."""
        named = output_names(group.path, self.groups)
        return named if self._readers[group.path] - {self.groups.view.extra} else []

    def end_names(self, group: Group) -> list[str]:
        """Return the names of a value below which its line ends."""
        named = output_names(group.path, self.groups)
        return [] if self._side_names(group) else named


def caption_of(group: Group, cost: CostRange, room: float) -> Text:
    """Write the cost of a frame, as much of it as fits."""
    each = "each: " if group.item.count > 1 else ""
    for part in (cost, exactly(Cost(cost.parameters))):
        text = Text(each + priced(part), "note")
        if priced(part) and text.width <= room:
            return text
    return Text("", "note")
