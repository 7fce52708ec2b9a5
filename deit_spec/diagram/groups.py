"""What each node of a figure represents: a layer, a stage, or equal layers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from deit_spec.diagram.cost_range import NOTHING, CostRange, range_of
from deit_spec.diagram.graph_view import View
from deit_spec.diagram.items import Item, items_of
from deit_spec.diagram.marks import Mark, Marks
from deit_spec.diagram.zero_rates import layers_of
from deit_spec.graph import LayerGraph, Scope


class Detail(Enum):
    """How much of the architecture a figure shows."""

    OVERVIEW = "overview"
    BLOCK = "block"
    FULL = "full"


@dataclass(frozen=True, eq=False)
class Group:
    """A node, or a frame around the nodes of a scope or of several equal scopes."""

    item: Item
    members: tuple["Group", ...] = ()

    @property
    def path(self) -> str:
        """The path of the layer, or of the first scope."""
        return self.item.path


@dataclass
class Groups:
    """The nodes of a graph, nested, and the node that draws each layer.

    `top` are the outermost groups in execution order, without `unused`, the layers
    that no output depends on. `edges` are pairs of drawn nodes. The edges between
    equal blocks that are drawn as one are left out.
    """

    view: View
    detail: Detail
    top: tuple[Group, ...] = ()
    unused: tuple[Group, ...] = ()
    drawn: dict[str, str] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)

    @property
    def every(self) -> tuple[Group, ...]:
        """The outermost groups, then the unused ones."""
        return (*self.top, *self.unused)

    def reads(self, group: Group) -> list[str]:
        """Return the drawn values that a group reads from outside."""
        scopes = group.item.scopes
        values = self.view.reads_of(scopes[0]) if scopes else group.item.reads
        return [*dict.fromkeys(self.drawn[value] for value in values)]

    def makes(self, group: Group) -> list[str]:
        """Return the drawn values of a group that are read outside, main one last."""
        if not group.members:
            return [group.path]
        scopes = group.item.scopes
        own = {path for scope in scopes for path in layers_of(scope)}
        found: dict[str, None] = {}
        for scope in scopes:
            for value in scope.outputs:
                readers = self.view.graph.readers(value)
                if any(path in self.drawn and path not in own for path in readers):
                    found[self.drawn[value]] = None
        main = self.drawn[group.item.value]
        if main in found:
            found.pop(main)
            found[main] = None
        return [*found]

    def mark(self, group: Group) -> Mark | None:
        """Return the mark of the layers that a node or a frame represents, if any."""
        return self.view.mark(group.item.layers)

    def cost(self, group: Group) -> CostRange:
        """Return the cost of a layer or a scope, in each of those that are equal."""
        scopes, costs = group.item.scopes, self.view.costs
        paths = [*layers_of(scopes[0])] if scopes else [group.path]
        twins = (self.members[path] for path in paths if path in self.members)
        return sum((range_of([costs[p] for p in each]) for each in twins), NOTHING)

    def names(self, path: str) -> list[str]:
        """Return the names of the outputs that a node computes."""
        paths = self.members.get(path, [path])
        return [name for each in paths for name in self.view.names.get(each, ())]


def group(graph: LayerGraph, detail: Detail, marks: Marks | None = None) -> Groups:
    """Group the layers of a graph with inferred shapes."""
    view = View(graph, expand=detail is Detail.FULL, detail=False, marks=marks)
    found = Groups(view, detail)
    found.top = tuple(_groups(view.root, view, stages=detail is Detail.OVERVIEW))
    if view.extra is not None:
        found.top += (_layer(view.extra, view),)
    found.unused = tuple(_layer(path, view) for path in view.dead)
    copies: set[str] = set()
    _draw(found.every, found, copies)
    for path, node in found.drawn.items():
        found.members.setdefault(node, []).append(path)
    edges = {
        (found.drawn[source], found.drawn[path]): None
        for path in view.order
        if path not in copies
        for source in view.graph.inputs(path)
    }
    found.edges = [edge for edge in edges if edge[0] != edge[1]]
    return found


def _groups(scope: Scope, view: View, *, stages: bool) -> Iterator[Group]:
    for item in items_of(scope, view):
        if stages or not item.scopes:
            yield Group(item)
        else:
            yield Group(item, tuple(_groups(item.scopes[0], view, stages=False)))


def _layer(path: str, view: View) -> Group:
    title = view.title(path, [path])
    return Group(Item(path, title, view.graph.inputs(path), path, inner=path))


def _draw(groups: tuple[Group, ...], found: Groups, copies: set[str]) -> None:
    """Note the node that draws each layer, and the layers of repeated scopes."""
    for each in groups:
        scopes, drawn = each.item.scopes, found.drawn
        alive = found.view.flow
        if not scopes:
            drawn[each.path] = each.path
        elif not each.members:
            paths = [p for scope in scopes for p in layers_of(scope) if p in alive]
            drawn.update(dict.fromkeys(paths, each.path))
        else:
            _draw(each.members, found, copies)
            for scope in scopes[1:]:
                for path in layers_of(scope):
                    if path in alive:
                        first = scopes[0].path + path[len(scope.path) :]
                        drawn[path] = drawn[first]
                        copies.add(path)
