"""Changed layers of equal blocks as one, with numbers that vary as a range."""

from collections.abc import Iterator, Sequence
from typing import Any

from deit_spec.compare.folded_blocks import fold
from deit_spec.compare.graph_difference import NodeChange
from deit_spec.yaml_source.scalars import value_text


def fold_changes(
    nodes: Sequence[NodeChange],
) -> Iterator[tuple[str, list[NodeChange]]]:
    """Merge equal changes of layers in consecutive blocks; yield each with its path."""
    for path, indices in fold([(node.path, _key(node)) for node in nodes]):
        yield path, [nodes[index] for index in indices]


def changes_of(alike: Sequence[NodeChange]) -> Iterator[str]:
    """Write what changes in layers that are folded, such as `N 197 → 577`."""
    node = alike[0]
    for each in zip(*(node.properties for node in alike), strict=True):
        values = (value_range([change[side] for change in each]) for side in (1, 2))
        yield f"{each[0].name} {' → '.join(values)}".lstrip()
    yield from map(str, (*node.sizes, *node.inputs))


def value_range(values: Sequence[Any]) -> str:
    """Write equal values as one, and numbers that differ as a range.

    >>> value_range([0.09999999999999999]), value_range([0.1, 0.3, 0.2])
    ('0.1', '0.1 to 0.3')
    """
    if len(set(values)) == 1:
        value = values[0]
        return value_text(float(f"{value:.6g}") if isinstance(value, float) else value)
    return f"{min(values):.3g} to {max(values):.3g}"


def _key(node: NodeChange) -> tuple[object, ...]:
    """What is equal in blocks that are folded."""
    properties = [
        each.name if each.name in node.ranges else each for each in node.properties
    ]
    return (
        node.kind,
        (node.a or node.b) if node.kind != "changed" else "",
        tuple(properties),
        node.sizes,
        node.inputs,
    )
