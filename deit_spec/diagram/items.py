"""The items of a figure: layers, scopes, and runs of equal scopes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from deit_spec.diagram.graph_view import TO, View, relative
from deit_spec.diagram.zero_rates import layers_of
from deit_spec.graph import Scope


@dataclass(frozen=True, eq=False)
class Item:
    """A layer, or a run of equal scopes that are connected in sequence.

    `reads` are the inputs from outside, `value` is the output of the last scope that
    continues, and `inner` is the corresponding output of the first scope.
    """

    path: str
    title: str
    reads: tuple[str, ...]
    value: str
    scopes: tuple[Scope, ...] = ()
    inner: str = ""

    @property
    def count(self) -> int:
        """The number of scopes that the item represents."""
        return max(1, len(self.scopes))

    @property
    def layers(self) -> list[str]:
        """The layer, or all layers of the scopes."""
        inside = [path for scope in self.scopes for path in layers_of(scope)]
        return inside or [self.path]

    @property
    def is_frame(self) -> bool:
        """Whether the item has nested scopes, which are drawn as a flow inside."""
        return bool(self.scopes) and bool(self.scopes[0].scopes)


def items_of(scope: Scope, view: View) -> list[Item]:
    """Return the items of a scope that are in the flow, in execution order."""
    return _ordered(list(_items(scope, view)))


def _items(scope: Scope, view: View) -> Iterator[Item]:
    for name, item in scope.items.items():
        if isinstance(item, str):
            if item in view.flow:
                title = view.title(name, [item])
                yield Item(item, title, view.graph.inputs(item), item, inner=item)
        elif item.path in view.alive:
            numbered = item.is_sequence and len(item.scopes) == len(item.items)
            scopes = [s for s in item.scopes if s.path in view.alive]
            for run in _runs(scopes, view) if numbered else [[item]]:
                yield _scope_item(run, scope, view)


def _runs(scopes: list[Scope], view: View) -> Iterator[list[Scope]]:
    """Group equal scopes, if all of them are connected in the same way."""
    for run in view.runs(scopes):
        wirings = {_wiring(before, scope) for before, scope in pairwise(run)}
        if view.expand or len(wirings) > 1 or None in wirings:
            yield from ([scope] for scope in run)
        else:
            yield from _cut_at_taps(run, view)


def _cut_at_taps(run: list[Scope], view: View) -> Iterator[list[Scope]]:
    """Cut a run after each scope whose output has a name, unless all of them have."""
    named = [any(path in view.names for path in scope.outputs) for scope in run]
    if all(named):
        yield run
        return
    start = 0
    for end, is_named in enumerate(named, start=1):
        if is_named or end == len(run):
            yield run[start:end]
            start = end


def _wiring(before: Scope, scope: Scope) -> tuple[int, ...] | None:
    """Return where each input of a scope comes from: the scope before, or above."""
    outputs = {path: place for place, path in enumerate(before.outputs)}
    found = []
    for mine, theirs in zip(scope.inputs, before.inputs, strict=True):
        if mine not in outputs and mine != theirs:
            return None
        found.append(outputs.get(mine, -1))
    return tuple(found) if max(found, default=-1) >= 0 else None


def _scope_item(run: Sequence[Scope], parent: Scope, view: View) -> Item:
    first, last = run[0], run[-1]
    place = view.main_output(last)
    title = relative(first.path, parent.path)
    if len(run) > 1:
        title = f"{title}{TO}{last.name} ×{len(run)}"
    title = view.title(title, (path for scope in run for path in layers_of(scope)))
    reads, value = tuple(view.reads_of(first)), last.outputs[place]
    return Item(first.path, title, reads, value, tuple(run), first.outputs[place])


def _ordered(items: list[Item]) -> list[Item]:
    """Sort topologically, if the items have no cycle."""
    places = {item.value: place for place, item in enumerate(items)}
    network: nx.DiGraph[int] = nx.DiGraph()
    network.add_nodes_from(range(len(items)))
    for place, item in enumerate(items):
        sources = [places[value] for value in item.reads if value in places]
        network.add_edges_from((source, place) for source in sources if source != place)
    if not nx.is_directed_acyclic_graph(network):
        return items
    return [items[place] for place in nx.lexicographical_topological_sort(network)]
