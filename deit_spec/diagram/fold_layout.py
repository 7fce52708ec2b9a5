"""The places of a full figure whose scopes can be folded, for a page with a script.

A scope is a frame around its layers, or folded to a box. A run of equal scopes is drawn
as its first one, or with all of them. The layout is that of the full figure, in which
each frame and box has room for its texts in every state. The page hides what is folded
and moves the rest up.
"""

from dataclasses import dataclass, replace

from deit_spec.diagram.box_text import (
    PAD,
    Content,
    Text,
    content_of,
    output_names,
    priced,
)
from deit_spec.diagram.graph_view import condense
from deit_spec.diagram.groups import Detail, Group, Groups, group
from deit_spec.diagram.items import Item, items_of
from deit_spec.diagram.marks import Marks
from deit_spec.diagram.vector_layout import Lines, Node, Port, VectorLayout
from deit_spec.diagram.vector_plan import LANE, Plan, Step
from deit_spec.diagram.zero_rates import layers_of, with_zero_rates
from deit_spec.graph import LayerGraph, Scope

ALL, ONE = "all", "one"
"""The states of a run: all of its scopes are drawn, or one represents them."""
_ENTRY = 8.0
"""The distance between lines that enter a folded scope from the left."""


@dataclass(frozen=True)
class Either(Content):
    """A text, and `other` in the same box for a layer that represents equal ones."""

    other: Content | None = None

    @property
    def least(self) -> float:
        """The smallest width of a box that holds either text."""
        return max(super().least, self.other.least if self.other else 0.0)

    def lay(self, width: float) -> tuple[list[Text], float]:
        """Place the first text in a box that is high enough for either."""
        texts, height = super().lay(width)
        return texts, max(height, self.other.lay(width)[1] if self.other else 0.0)


class FoldLayout(VectorLayout):
    """Places every layer of a graph; `runs` has the run of each equal scope."""

    def __init__(
        self,
        graph: LayerGraph,
        width: float,
        widest: float,
        marks: Marks | None = None,
    ) -> None:
        complete = with_zero_rates(graph, marks)
        self.one = group(complete, Detail.BLOCK, marks)
        """The groups of the figure in which one scope represents its run."""
        self.runs: dict[str, Item] = {}
        self._find_runs(self.one.view.root)
        self.entries: dict[str, float] = {}
        """The least heights of folded scopes, for the lines that enter at the left."""
        super().__init__(group(complete, Detail.FULL, marks), width, widest)

    def _find_runs(self, scope: Scope) -> None:
        for item in items_of(scope, self.one.view):
            for each in item.scopes:
                if item.count > 1:
                    self.runs[each.path] = item
                self._find_runs(each)

    def run_of(self, group: Group) -> Group | None:
        """Return the run of which a scope is one, as a group."""
        run = self.runs.get(group.path) if group.item.scopes else None
        return None if run is None else Group(run)

    def folded(self, group: Group) -> dict[str, Content]:
        """Return the text of a folded scope, and of its run if it is the first."""
        found = {ALL: _stage(group.item, self.groups)}
        run = self.runs.get(group.path)
        if run is not None and run.path == group.path:
            found[ONE] = _stage(run, self.one)
        elif run is None and self.represents_others(group):
            words = Text(priced(self.one.cost(group)), "words")
            found[ONE] = replace(_stage(group.item, self.one), words=words)
        return found

    def content(self, group: Group) -> Content:
        """Return the text of a box."""
        found = super().content(group)
        other = self.content_as_one(group)
        if other is None:
            return found
        return Either(found.name, found.words, found.shape, found.notes, other)

    def content_as_one(self, group: Group) -> Content | None:
        """Return the text of a layer while it represents those of equal scopes."""
        if not self.represents_others(group):
            return None
        named = self._side_names(group) and output_names(group.path, self.one)
        notes = [f"▶ {name}" for name in named]
        notes += [f"from {value}" for value in self.named.get(group.path, ())]
        return content_of(group, self.one, notes)

    def names_as_one(self, group: Group) -> list[str]:
        """Return the names of the outputs of a layer and of those it represents."""
        is_one = self.represents_others(group)
        return output_names(group.path, self.one if is_one else self.groups)

    def represents_others(self, group: Group) -> bool:
        """Return whether a layer or a scope is in the first of several equal scopes."""
        return len(self.one.members.get(group.item.inner, ())) > 1

    def _least(self, step: Step) -> float:
        least = super()._least(step)
        if step.group is None or step.inner is None:
            return least
        run = self.run_of(step.group) or step.group
        title = Text(run.item.title, "name").width
        caption = 2 * (title + step.inner.margin + 2 * PAD) + LANE
        stages = self.folded(step.group).values()
        return max(least, caption, *(content.least for content in stages))

    def _place_frame(  # noqa: PLR0913, PLR0917  -- a place, and the lines to it
        self,
        group: Group,
        plan: Plan,
        left: float,
        right: float,
        y: float,
        lines: Lines,
    ) -> tuple[float, dict[str, Port]]:
        """Place a frame that is not lower than its scope is when it is folded."""
        place = len(self.nodes)
        bottom, exits = super()._place_frame(group, plan, left, right, y, lines)
        self.entries[group.path] = 2 * PAD + _ENTRY * len(lines[1])
        folded = self.folded(group).values()
        heights = (content.lay(right - left)[1] for content in folded)
        height = max(self.entries[group.path], *heights)
        if lack := max(0.0, y + height - bottom):
            bottom += lack
            self._frame(place).height += lack
            for points in exits.values():
                points.append((points[-1][0], bottom))
        return bottom, exits

    def _frame(self, place: int) -> Node:
        return next(node for node in self.nodes[place:] if node.kind == "frame")


def _stage(item: Item, groups: Groups) -> Content:
    """Return the text of a scope, or of equal scopes, as a single box."""
    view = groups.view
    paths = (path for scope in item.scopes for path in layers_of(scope))
    names = condense(name for path in paths for name in view.names.get(path, ()))
    return content_of(Group(item), groups, [f"▶ {name}" for name in names])
