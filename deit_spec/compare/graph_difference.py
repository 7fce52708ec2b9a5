"""The differences between two graphs after the passes, by the paths of the layers.

A block is compared with that of the same number; where one model is deeper, its other
blocks are added or removed as a whole.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from deit_spec.compare.folded_blocks import block_of
from deit_spec.diagnostics.printable import counted
from deit_spec.graph import LayerGraph
from deit_spec.ops import Dim, Op, show


class Change(NamedTuple):
    """A property with its two values; the name of a size is its symbol, if any."""

    name: str
    a: object
    b: object

    def __str__(self) -> str:
        return f"{self.name} {self.a} → {self.b}".lstrip()

    def as_json(self) -> dict[str, Any]:
        """The change as plain data."""
        a, b = (
            each if isinstance(each, bool | int | float) else str(each)
            for each in (self.a, self.b)
        )
        return {"name": self.name, "a": a, "b": b}


@dataclass(frozen=True, slots=True)
class NodeChange:
    """A layer or a block that is added, removed or changed.

    `a` and `b` are what it is in each model, empty where there is none. `properties`
    are the fields of its op that differ, `sizes` those of its output and of its
    parameters, and `inputs` the layers that it reads if these differ by more than added
    and removed layers in between. `ranges` are the properties that
    may differ between equal blocks. A block has several `layers`.
    """

    path: str
    a: str
    b: str
    properties: tuple[Change, ...] = ()
    sizes: tuple[Change, ...] = ()
    inputs: tuple[Change, ...] = ()
    ranges: frozenset[str] = frozenset()
    layers: int = 1

    @property
    def kind(self) -> str:
        """What happened to it."""
        if self.a and self.b:
            return "changed"
        return "removed" if self.a else "added"

    @property
    def is_resized(self) -> bool:
        """Whether only sizes differ."""
        return self.kind == "changed" and not self.properties and not self.inputs

    def as_json(self) -> dict[str, Any]:
        """The change as plain data."""
        return {
            "path": self.path,
            "change": self.kind,
            "a": self.a,
            "b": self.b,
            "properties": [each.as_json() for each in self.properties],
            "sizes": [each.as_json() for each in self.sizes],
            "inputs": [each.as_json() for each in self.inputs],
        }


@dataclass(frozen=True)
class GraphDifference:
    """The layers that differ, and what the model returns if that differs."""

    digests: tuple[str, str]
    nodes: tuple[NodeChange, ...]
    results: tuple[Change, ...]

    @property
    def is_empty(self) -> bool:
        """Whether both compute the same, given the same weights."""
        return self.digests[0] == self.digests[1]

    @property
    def counts(self) -> dict[str, int]:
        """The number of layers that are added, removed and changed."""
        found = Counter[str]()
        for node in self.nodes:
            found[node.kind] += node.layers
        return {kind: found[kind] for kind in ("added", "removed", "changed")}

    def as_json(self) -> dict[str, Any]:
        """The difference as plain data."""
        return {
            **self.counts,
            "nodes": [node.as_json() for node in self.nodes],
            "results": [each.as_json() for each in self.results],
        }


def compare_graphs(a: LayerGraph, b: LayerGraph) -> GraphDifference:
    """Compare two graphs layer by layer, in the order of the first, then the second."""
    both = {*a.network} & {*b.network}
    changed = (_compare_node(a, b, path, both) for path in a.order() if path in both)
    nodes = [
        *_only_in(a, both, added=False),
        *(node for node in changed if node is not None),
        *_only_in(b, both, added=True),
    ]
    results = [
        Change(name, one, other)
        for (name, one), (_, other) in zip(_results(a), _results(b), strict=True)
        if one != other
    ]
    digests = digest_of(a), digest_of(b)
    return GraphDifference(digests, tuple(nodes), tuple(results))


def digest_of(graph: LayerGraph) -> str:
    """A hash of what a graph computes, whatever its spec looks like."""
    layers = [
        (path, graph.op(path), graph.inputs(path), graph.shape(path))
        for path in sorted(graph.network)
    ]
    content = repr((graph.target, layers, [*_results(graph)]))
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _results(graph: LayerGraph) -> Iterator[tuple[str, str]]:
    for name, given in (("outputs", graph.outputs), ("taps", graph.taps)):
        yield name, ", ".join(f"{key}={path}" for key, path in sorted(given.items()))
    yield "predict", graph.predict or "none"


def _only_in(graph: LayerGraph, both: set[str], *, added: bool) -> Iterator[NodeChange]:
    """The layers of one graph only; of a block that the other lacks, the block."""
    known = {"", *map(block_of, both)}
    alone = [path for path in graph.order() if path not in both]
    blocks = Counter(block_of(path) for path in alone)
    units = ((path, block_of(path)) for path in alone)
    for name in dict.fromkeys(
        path if block in known else block for path, block in units
    ):
        size = blocks[name] or 1
        text = (
            f"block of {counted(size, 'layer')}"
            if name in blocks
            else _describe(graph, name)
        )
        yield NodeChange(name, *(("", text) if added else (text, "")), layers=size)


def _describe(graph: LayerGraph, path: str) -> str:
    return f"{type(graph.op(path)).__name__} {show(graph.shape(path))}"


def _compare_node(
    a: LayerGraph, b: LayerGraph, path: str, both: set[str]
) -> NodeChange | None:
    one, other = a.op(path), b.op(path)
    reads = [graph.inputs(path) for graph in (a, b)]
    has_same_inputs = sources(a, path, both) == sources(b, path, both)
    if one == other and a.shape(path) == b.shape(path) and has_same_inputs:
        return None
    properties, sizes = list[Change](), list[Change]()
    if type(one) is type(other):
        for name, old, new in _pairs(one, other):
            if isinstance(old, Dim) and isinstance(new, Dim):
                sizes += _compare_sizes([old], [new])
            elif old != new:
                properties.append(Change(name, old, new))
    else:
        properties.append(Change("", type(one).__name__, type(other).__name__))
    sizes += _compare_sizes(a.shape(path), b.shape(path))
    said = {each[1:] for each in properties}
    return NodeChange(
        path,
        _describe(a, path),
        _describe(b, path),
        tuple(properties),
        tuple(
            each
            for each in sorted(set(sizes), key=str)
            if each.name or each[1:] not in said
        ),
        () if has_same_inputs else (Change("inputs", *map(", ".join, reads)),),
        frozenset(name for name, _ in one.lifted),
    )


def _pairs(one: Op, other: Op) -> Iterator[tuple[str, Any, Any]]:
    """The fields of two ops of the same type, and of the ops in their fields."""
    for field in fields(one):  # type: ignore[arg-type]  # every op is a dataclass
        old, new = getattr(one, field.name), getattr(other, field.name)
        if isinstance(old, Op) and type(old) is type(new):
            yield from _pairs(old, new)
        else:
            yield field.name, old, new


def _compare_sizes(old: Iterable[Dim], new: Iterable[Dim]) -> Iterator[Change]:
    before, after = tuple(old), tuple(new)
    if len(before) != len(after):
        yield Change("", show(before), show(after))
        return
    for one, other in zip(before, after, strict=True):
        if one == other:
            continue
        if one.symbol and (one.symbol, one.factor) == (other.symbol, other.factor):
            factor = one.factor
            yield Change(one.symbol, one.known // factor, other.known // factor)
        else:
            yield Change("", _size(one), _size(other))


def _size(dim: Dim) -> object:
    return str(dim) if dim.symbol else dim.size


def sources(graph: LayerGraph, path: str, both: set[str]) -> list[str]:
    """The inputs of a layer in both graphs; others are replaced by their own inputs."""
    waiting = [*reversed(graph.inputs(path))]
    found = dict[str, bool]()
    while waiting:
        source = waiting.pop()
        if source not in found:
            found[source] = source in both
            waiting += [] if found[source] else reversed(graph.inputs(source))
    return [source for source, is_shared in found.items() if is_shared]
