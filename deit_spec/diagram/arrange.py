"""Which items stand above each other and which side by side.

A scope's items come in the order in which they run. Where only one value
crosses from the items above to the items below, the order is cut. What stands
between two cuts and falls apart is drawn side by side; a short chain that
starts at a learned table comes in from the side of what reads it.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeAlias

from deit_spec.diagram.items import Item
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

Fits: TypeAlias = Callable[[Collection[list[Item]]], bool]
"""Whether there is room for some chains beside a stream, or for branches."""


def arrange(
    items: list[Item], view: View, fits_beside: Fits, fits_across: Fits
) -> list[Step]:
    """Lay out the items of a scope."""
    feeders = _feeders(items, view, fits_beside)
    fed = {id(item) for chains in feeders.values() for c in chains for item in c}
    stream = [item for item in items if id(item) not in fed]
    arranger = _Arranger(feeders, fits_across)
    return arranger.steps(stream, 0)


def _feeders(
    items: list[Item], view: View, fits: Fits
) -> dict[str, list[list[Item]]]:
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
    return {path: chains for path, chains in found.items() if fits(chains)}


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
    def __init__(self, feeders: dict[str, list[list[Item]]], fits: Fits) -> None:
        self.feeders = feeders
        self.fits = fits

    def steps(self, items: list[Item], depth: int) -> list[Step]:
        """Cut a stream into regions and lay each out."""
        found: list[Step] = []
        region: list[Item] = []
        for item, is_cut in zip(items, _cuts(items), strict=True):
            if is_cut:
                found.extend(self.region(region, depth, len(items)))
                found.append(self.single(item))
                region = []
            else:
                region.append(item)
        found.extend(self.region(region, depth, len(items)))
        return found

    def region(self, items: list[Item], depth: int, whole: int) -> list[Step]:
        """Lay out what stands between two cuts."""
        if len(items) < 2 or depth == _DEEPEST:  # noqa: PLR2004  -- nothing beside
            return [self.single(item) for item in items]
        parts = _parts(items)
        if len(parts) == 1 and len(items) == whole:
            return [self.single(item) for item in items]
        laid = [self.steps(part, depth + 1) for part in parts]
        if len(parts) > 1 and self.fits(parts):
            return [Fork(laid)]
        return [step for steps in laid for step in steps]

    def single(self, item: Item) -> Single:
        return Single(item, self.feeders.get(item.path, []))


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
