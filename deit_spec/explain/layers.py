"""Layers in few words: those of equal blocks are told once."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from deit_spec.graph import LayerGraph
from deit_spec.ops import letters

_INDEX = re.compile(r"(?<=\.)\d+(?=\.)")


@dataclass(frozen=True, slots=True)
class Layers:
    """A layer, or the like layers of several blocks: `blocks.0..11.attn.qkv`."""

    path: str
    op: str
    parameters: tuple[str, ...]


def collapse(graph: LayerGraph, paths: Iterable[str]) -> tuple[Layers, ...]:
    """Join the layers that differ in the number of their block alone."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[int]] = {}
    for path in paths:
        number = _INDEX.search(path)
        key = (_INDEX.sub("{}", path, count=1), *_words(graph, path))
        groups.setdefault(key, []).append(int(number.group()) if number else 0)
    return tuple(
        Layers(path.format(numbers), op, parameters)
        for (path, op, parameters), found in groups.items()
        for numbers in _runs(found)
    )


def _words(graph: LayerGraph, path: str) -> tuple[str, tuple[str, ...]]:
    op = graph.op(path)
    parameters = tuple(
        f"{each.name} {letters(each.shape)}".strip() for each in op.parameters
    )
    return type(op).__name__, parameters


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
