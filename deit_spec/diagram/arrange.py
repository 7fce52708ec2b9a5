"""Layout: which items are drawn one below the other, and which side by side.

The items of a scope are in execution order. The order is cut wherever a single
value passes from the items above to the items below. Independent items between two
cuts are drawn side by side. A short chain that starts at a learned table is drawn
beside the item that reads it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain as joined
from typing import TypeAlias

import networkx as nx

from deit_spec.diagram.area import Area, fits_across, fits_beside
from deit_spec.diagram.graph_view import View
from deit_spec.diagram.items import Item


@dataclass(eq=False)
class Single:
    """An item, with the chains that are drawn beside it."""

    item: Item
    feeders: list[list[Item]] = field(default_factory=list)

    @property
    def items(self) -> list[Item]:
        """The item, without the chains beside it."""
        return [self.item]


@dataclass(eq=False)
class Fork:
    """Branches from one value, drawn side by side, each from top to bottom."""

    branches: list[list[Item]]

    @property
    def items(self) -> list[Item]:
        """The items of all branches."""
        return [*joined.from_iterable(self.branches)]


Step: TypeAlias = Single | Fork


def arrange(items: list[Item], view: View, area: Area) -> list[Step]:
    """Arrange the items of a scope in an area."""
    feeders = {
        path: chains
        for path, chains in _feeders(items, view).items()
        if fits_beside(chains, area, view)
    }
    fed = {id(item) for chains in feeders.values() for c in chains for item in c}
    steps: list[Step] = []
    for region in _regions([item for item in items if id(item) not in fed]):
        parts = _parts(region)
        if len(parts) > 1:
            branches = [_with_feeders(part, feeders) for part in parts]
            if fits_across(branches, area.width, view):
                steps.append(Fork(branches))
                continue
        for item in joined.from_iterable(parts):
            if steps and isinstance(steps[-1], Fork):
                # The lines from the branches leave no space beside the item.
                steps.extend(map(Single, _with_feeders([item], feeders)))
            else:
                steps.append(Single(item, feeders.get(item.path, [])))
    return steps


def _with_feeders(
    items: list[Item], feeders: dict[str, list[list[Item]]]
) -> list[Item]:
    """Put the chains above the items that read them."""
    found: list[Item] = []
    for item in items:
        found.extend(joined.from_iterable(feeders.get(item.path, [])))
        found.append(item)
    return found


def _feeders(items: list[Item], view: View) -> dict[str, list[list[Item]]]:
    """Find the chains that can be drawn beside the item that reads them."""
    readers: dict[str, list[Item]] = {}
    for item in items:
        for value in item.reads:
            readers.setdefault(value, []).append(item)
    found: dict[str, list[list[Item]]] = {}
    for item in items:
        is_layer = not item.scopes
        if is_layer and view.graph.op(item.path).learned:
            chain = _chain(item, readers, view)
            if chain:
                (reader,) = readers[chain[-1].value]
                found.setdefault(reader.path, []).append(chain)
    return found


def _chain(source: Item, readers: dict[str, list[Item]], view: View) -> list[Item]:
    """Follow a source down to the first item that also reads another value."""
    chain = [source]
    while True:
        last = chain[-1]
        following = readers.get(last.value, [])
        is_read_once = len(view.readers(last.value)) == len(following) == 1
        if not is_read_once or last.is_frame or last.value in view.names:
            return []
        if len(following[0].reads) > 1:
            return chain
        chain.append(following[0])


def _regions(items: list[Item]) -> Iterator[list[Item]]:
    """Split items above and below each one that only its own value passes."""
    last = {value: place for place, item in enumerate(items) for value in item.reads}
    made = {item.value for item in items}
    reach = max((end for value, end in last.items() if value not in made), default=-1)
    region: list[Item] = []
    for place, item in enumerate(items):
        is_cut = reach <= place
        reach = max(reach, last.get(item.value, len(items)))
        if is_cut:
            yield from ([region] if region else [])
            yield [item]
            region = []
        else:
            region.append(item)
    yield from ([region] if region else [])


def _parts(items: list[Item]) -> list[list[Item]]:
    """Group the items that are connected to each other, in order."""
    makers = {item.value: place for place, item in enumerate(items)}
    network: nx.Graph[int] = nx.Graph()
    network.add_nodes_from(range(len(items)))
    for place, item in enumerate(items):
        network.add_edges_from((makers[v], place) for v in item.reads if v in makers)
    groups = nx.connected_components(network)
    return [[items[place] for place in sorted(group)] for group in groups]
