"""Which items stand above each other and which side by side.

A scope's items come in the order in which they run. Where only one value
crosses from the items above to the items below, the order is cut. What stands
between two cuts and falls apart is drawn side by side; a short chain that
starts at a learned table comes in from the side of what reads it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from deit_spec.diagram.items import Item
from deit_spec.diagram.room import Area, fits_across, fits_beside, share_of
from deit_spec.diagram.view import View
from deit_spec.ops import ParameterOp

_DEEPEST = 8


@dataclass(eq=False)
class Single:
    """One item, with the chains that come in from the side."""

    item: Item
    feeders: list[list[Item]] = field(default_factory=list)


@dataclass(eq=False)
class Fork:
    """Branches side by side, all from one value."""

    branches: list[list["Single | Fork"]]


Step: TypeAlias = Single | Fork


def inner_items(steps: list[Step]) -> list[Item]:
    """Every item of some steps, those beside the stream left out."""
    found: list[Item] = []
    for step in steps:
        if isinstance(step, Single):
            found.append(step.item)
        else:
            for branch in step.branches:
                found.extend(inner_items(branch))
    return found


def arrange(items: list[Item], view: View, area: Area) -> list[Step]:
    """Lay out the items of a scope in an area."""
    feeders = {
        path: chains
        for path, chains in _feeders(items, view).items()
        if fits_beside(chains, area, view)
    }
    fed = {id(item) for chains in feeders.values() for c in chains for item in c}
    stream = [item for item in items if id(item) not in fed]
    return _Arranger(feeders, view, area.width).steps(stream, 0, area.width)


def _feeders(items: list[Item], view: View) -> dict[str, list[list[Item]]]:
    """The chains that come in from the side, by the path of what reads them."""
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
    """The items that read nothing, without the one that the stream starts at."""
    sources = [item for item in items if not item.reads]
    made = {item.value for item in items}
    if any(value not in made for item in items for value in item.reads):
        return sources
    streams = [item for item in sources if not _is_table(item, view)] or sources
    return [item for item in sources if item is not streams[0]]


def _is_table(item: Item, view: View) -> bool:
    return not item.scopes and isinstance(view.graph.op(item.path), ParameterOp)


def _chain(source: Item, readers: dict[str, list[Item]], view: View) -> list[Item]:
    """The items from a source to the first that reads more than them."""
    chain = [source]
    while True:
        last = chain[-1]
        following = readers.get(last.value, [])
        if len(following) != 1 or last.is_frame or last.value in view.names:
            return []
        if not view.read_by_only(last.value, following[0].path, following[0].scopes):
            return []
        if len(following[0].reads) > 1:
            return chain
        chain.append(following[0])


class _Arranger:
    """Cuts a stream of items; `room` is the width that there is for them."""

    def __init__(
        self, feeders: dict[str, list[list[Item]]], view: View, room: int
    ) -> None:
        self.feeders = feeders
        self.view = view
        self.whole = room

    def steps(self, items: list[Item], depth: int, room: int) -> list[Step]:
        """Cut a stream into regions and lay each out."""
        found: list[Step] = []
        region: list[Item] = []
        for item, is_cut in zip(items, _cuts(items), strict=True):
            if is_cut:
                found.extend(self.region(region, depth, room, len(items)))
                found.extend(self.joint(item, room, found))
                region = []
            else:
                region.append(item)
        found.extend(self.region(region, depth, room, len(items)))
        return found

    def region(
        self, items: list[Item], depth: int, room: int, whole: int
    ) -> Iterator[Step]:
        """Lay out what stands between two cuts, of `whole` items in all."""
        parts = _parts(items)
        if depth == _DEEPEST or (len(parts) == 1 and len(items) == whole):
            parts = [[item] for item in items]
        elif len(parts) > 1 and fits_across(parts, room, self.view):
            share = share_of(room, len(parts))
            yield Fork([self.steps(part, depth + 1, share) for part in parts])
            return
        for part in parts:
            if len(part) == 1:
                yield from self.single(part[0], room)
            else:
                yield from self.steps(part, depth + 1, room)

    def joint(self, item: Item, room: int, above: list[Step]) -> Iterator[Step]:
        """Lay out an item below others; below a fork, what feeds it is a branch."""
        chains = self.feeders.get(item.path, [])
        if not above or not isinstance(above[-1], Fork) or not chains:
            yield from self.single(item, room)
            return
        fork = above[-1]
        parts = [*map(inner_items, fork.branches), *chains]
        branches: list[list[Step]] = [[Single(fed) for fed in c] for c in chains]
        flat = all(isinstance(step, Single) for b in fork.branches for step in b)
        if flat and fits_across(parts, room, self.view):
            fork.branches.extend(branches)
        else:
            yield from (step for branch in branches for step in branch)
        yield Single(item)

    def single(self, item: Item, room: int) -> Iterator[Step]:
        """Lay out one item; what feeds it stands above where there is less room."""
        chains = self.feeders.get(item.path, [])
        if room == self.whole:
            yield Single(item, chains)
            return
        for chain in chains:
            for fed in chain:
                yield Single(fed)
        yield Single(item)


def _cuts(items: list[Item]) -> list[bool]:
    """For each item, whether its value alone crosses from it to later ones."""
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
    """Groups of items that read nothing of each other, in order."""
    heads = list(range(len(items)))

    def head(place: int) -> int:
        while heads[place] != place:
            heads[place] = heads[heads[place]]
            place = heads[place]
        return place

    makers = {item.value: place for place, item in enumerate(items)}
    for place, item in enumerate(items):
        for value in item.reads:
            if value in makers:
                one, other = sorted((head(makers[value]), head(place)))
                heads[other] = one
    groups: dict[int, list[Item]] = {}
    for place, item in enumerate(items):
        groups.setdefault(head(place), []).append(item)
    return list(groups.values())
