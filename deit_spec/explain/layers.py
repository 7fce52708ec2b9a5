"""Layers in few words: those of equal blocks are told once."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from deit_spec.graph import LayerGraph
from deit_spec.ops import letters

_INDEX = re.compile(r"(?<=\.)\d+(?=\.|$)")


@dataclass(frozen=True, slots=True)
class Layers:
    """A layer, or the like layers of several blocks: `blocks.0..11.attn.qkv`.

    `reads` is filled where that is what a change is about. What lies in the same
    block is named from there.
    """

    path: str
    op: str
    parameters: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


def collapse(
    graph: LayerGraph, paths: Iterable[str], *, wired: bool = False
) -> tuple[Layers, ...]:
    """Join the layers that differ in the number of their block alone.

    With `wired`, tell what they read.
    """
    return _join(_layer(graph, path, wired=wired) for path in paths)


def collapse_whole(graph: LayerGraph, paths: Iterable[str]) -> tuple[Layers, ...]:
    """Join them so, and tell a block as one where all that it has is among them."""
    chosen = set(paths)
    found: dict[str, Layers] = {}
    for path in graph:
        if path in chosen:
            whole = _whole(graph, chosen, path)
            found.setdefault(whole.path, whole)
    return _join(found.values())


def _layer(graph: LayerGraph, path: str, *, wired: bool) -> Layers:
    op = graph.op(path)
    parameters = tuple(
        f"{each.name} {letters(each.shape)}".strip() for each in op.parameters
    )
    block = _INDEX.search(path)
    prefix = f"{path[: block.end()]}." if block else ""
    reads = tuple(source.removeprefix(prefix) for source in graph.inputs(path))
    return Layers(path, type(op).__name__, parameters, reads if wired else ())


def _whole(graph: LayerGraph, chosen: set[str], path: str) -> Layers:
    """The outermost group around a layer that is chosen as a whole, or the layer."""
    parts = path.split(".")
    for end in range(1, len(parts)):
        group = ".".join(parts[:end])
        inside = [other for other in graph if other.startswith(f"{group}.")]
        if chosen.issuperset(inside):
            return Layers(group, f"each of {len(inside)} layers")
    return _layer(graph, path, wired=False)


def _join(layers: Iterable[Layers]) -> tuple[Layers, ...]:
    groups: dict[Layers, list[int]] = {}
    for each in layers:
        block = _INDEX.search(each.path)
        path = _INDEX.sub("{}", each.path, count=1)
        key = Layers(path, each.op, each.parameters, each.reads)
        groups.setdefault(key, []).append(int(block.group()) if block else 0)
    return tuple(
        Layers(key.path.format(numbers), key.op, key.parameters, key.reads)
        for key, found in groups.items()
        for numbers in _runs(found)
    )


def _runs(numbers: list[int]) -> Iterator[str]:
    """Write numbers without gaps as a range.

    >>> list(_runs([0, 1, 2, 5]))
    ['0..2', '5']
    """
    first = last = numbers[0]
    for number in [*numbers[1:], None]:
        if number == last + 1:
            last = number
            continue
        yield str(first) if first == last else f"{first}..{last}"
        if number is not None:
            first = last = number
