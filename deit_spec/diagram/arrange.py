"""Layout: which items are drawn one below the other, and which side by side.

The items of a scope are in execution order. The order is cut wherever a single
value passes from the items above to the items below. Independent items between two
cuts are drawn side by side. A short chain that starts at a learned table is drawn
beside the item that reads it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import networkx as nx

from deit_spec.diagram.area import Area, fits_across, fits_beside, share_of
from deit_spec.diagram.graph_view import View
from deit_spec.diagram.items import Item
from deit_spec.ops import ParameterOp

_DEEPEST = 8


@dataclass(eq=False)
class Single:
    """An item, with the chains that are drawn beside it."""

    item: Item
    feeders: list[list[Item]] = field(default_factory=list)


@dataclass(eq=False)
class Fork:
    """Branches from one value, drawn side by side."""

    branches: list[list["Single | Fork"]]


Step: TypeAlias = Single | Fork


def inner_items(steps: list[Step]) -> list[Item]:
    """Return the items of steps, without the chains beside them."""
    found: list[Item] = []
    for step in steps:
        if isinstance(step, Single):
            found.append(step.item)
        else:
            for branch in step.branches:
                found.extend(inner_items(branch))
    return found


def arrange(items: list[Item], view: View, area: Area) -> list[Step]:
    """Arrange the items of a scope in an area."""
    feeders = {
        path: chains
        for path, chains in _feeders(items, view).items()
        if fits_beside(chains, area, view)
    }
    fed = {id(item) for chains in feeders.values() for c in chains for item in c}
    stream = [item for item in items if id(item) not in fed]
    return _Arranger(feeders, view, area.width).steps(stream, 0, area.width)


def _feeders(items: list[Item], view: View) -> dict[str, list[list[Item]]]:
    """Find the chains that can be drawn beside the item that reads them."""
    readers: dict[str, list[Item]] = {}
    for item in items:
        for value in item.reads:
            readers.setdefault(value, []).append(item)
    found: dict[str, list[list[Item]]] = {}
    for source in _side_sources(items, view):
        chain = _chain(source, readers, view)
        if chain:
            (reader,) = readers[chain[-1].value]
            found.setdefault(reader.path, []).append(chain)
    return found


def _side_sources(items: list[Item], view: View) -> list[Item]:
    """Return the items without inputs, except the one where the main line starts."""
    sources = [item for item in items if not item.reads]
    made = {item.value for item in items}
    if any(value not in made for item in items for value in item.reads):
        return sources
    streams = [item for item in sources if not _is_table(item, view)] or sources
    return [item for item in sources if item is not streams[0]]


def _is_table(item: Item, view: View) -> bool:
    return not item.scopes and isinstance(view.graph.op(item.path), ParameterOp)


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


class _Arranger:
    """Divides items into steps; `room` is the available width."""

    def __init__(
        self, feeders: dict[str, list[list[Item]]], view: View, room: int
    ) -> None:
        self.feeders = feeders
        self.view = view
        self.whole = room

    def steps(self, items: list[Item], depth: int, room: int) -> list[Step]:
        """Cut items into regions and arrange each."""
        found: list[Step] = []
        region: list[Item] = []
        for item, is_cut in zip(items, _cuts(items), strict=True):
            if is_cut:
                found.extend(self.region(region, depth, room, len(items)))
                found.extend(self.single(item, room, found))
                region = []
            else:
                region.append(item)
        found.extend(self.region(region, depth, room, len(items)))
        return found

    def region(
        self, items: list[Item], depth: int, room: int, whole: int
    ) -> Iterator[Step]:
        """Arrange the items between two cuts, out of `whole` items in total."""
        parts = _parts(items)
        if depth == _DEEPEST or (len(parts) == 1 and len(items) == whole):
            parts = [[item] for item in items]
        elif len(parts) > 1 and fits_across(parts, room, self.view):
            share = share_of(room, len(parts))
            yield Fork([self.steps(part, depth + 1, share) for part in parts])
            return
        for part in parts:
            if len(part) == 1:
                yield from self.single(part[0], room, [])
            else:
                yield from self.steps(part, depth + 1, room)

    def single(self, item: Item, room: int, above: list[Step]) -> Iterator[Step]:
        """Arrange one item; its chains go above it if they do not fit beside it."""
        chains = self.feeders.get(item.path, [])
        if room == self.whole and not (above and isinstance(above[-1], Fork)):
            yield Single(item, chains)
            return
        for chain in chains:
            yield from map(Single, chain)
        yield Single(item)


def _cuts(items: list[Item]) -> list[bool]:
    """Return for each item whether only its value is used by later items."""
    last: dict[str, int] = {}
    for place, item in enumerate(items):
        last.update(dict.fromkeys(item.reads, place))
    made = {item.value for item in items}
    reach = max((end for value, end in last.items() if value not in made), default=-1)
    cuts = []
    for place, item in enumerate(items):
        cuts.append(reach <= place)
        reach = max(reach, last.get(item.value, len(items)))
    return cuts


def _parts(items: list[Item]) -> list[list[Item]]:
    """Group the items that are connected to each other, in order."""
    makers = {item.value: place for place, item in enumerate(items)}
    network: nx.Graph[int] = nx.Graph()
    network.add_nodes_from(range(len(items)))
    for place, item in enumerate(items):
        network.add_edges_from((makers[v], place) for v in item.reads if v in makers)
    groups = nx.connected_components(network)
    return [[items[place] for place in sorted(group)] for group in groups]
