"""Two graphs as one, for a drawing: the second, with the layers of the first only.

Layers of both graphs, and the lines between them, are those of the second. A layer of
the first graph only is inserted where it was; where it was removed from between two
layers, their direct line in the second graph goes through it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import chain as joined

from deit_spec.compare.folded_blocks import block_of
from deit_spec.compare.folded_changes import changes_of, fold_changes
from deit_spec.compare.graph_difference import GraphDifference, NodeChange, sources
from deit_spec.cost import Cost, costs, total
from deit_spec.diagram.marks import Fate, Mark, Marks
from deit_spec.graph import LayerGraph

_FATES = {fate.name.lower(): fate for fate in Fate}


def merge_graphs(a: LayerGraph, b: LayerGraph) -> LayerGraph:
    """Merge two graphs with inferred shapes into one that can be drawn.

    What only one of them returns under a name has the sign before it, `+ dist`, and
    what has another name in each of them has both, `~ logits → cls`.
    """
    merged = LayerGraph(f"{a.name} → {b.name}", b.digest, b.target)
    places, both = _places(a, b), {*a.network} & {*b.network}
    for path in sorted(places, key=places.__getitem__):
        own = b if path in b.network else a
        inputs = own.inputs(path)
        if path in both:
            alone = [each for each in a.inputs(path) if each not in both]
            removed = [each for each in alone if places[each] < places[path]]
            around = [sources(a, each, both) for each in removed]
            inputs = _through(removed, around, a.inputs(path), inputs)
        merged.add(path, own.op(path), inputs, own.span(path))
        merged.set_shape(path, own.shape(path))
    merged.outputs = _named([*a.outputs.items()], [*b.outputs.items()])
    merged.taps = _named([*a.taps.items()], [*b.taps.items()])
    merged.predict = b.predict
    if a.predict is not None and a.predict not in b.network:
        if b.predict is None:
            merged.predict = a.predict
        else:
            merged.outputs |= {f"{Fate.REMOVED.value} predict": a.predict}
    return merged


def mark_layers(found: GraphDifference, a: LayerGraph, b: LayerGraph) -> Marks:
    """Mark what was found in two graphs with inferred shapes.

    Changed inputs are not marked where the drawing shows added or removed
    layers in between, nor where a block reads another layer outside of it.
    """
    both = {*a.network} & {*b.network}
    nodes = []
    for node in found.nodes:
        if node.inputs and (
            _is_outside(a, b, node.path, both) or _is_drawn(a, b, node.path, both)
        ):
            if node.properties or node.sizes:
                nodes.append(replace(node, inputs=()))
        else:
            nodes.append(node)
    blocks: dict[str, list[str]] = {}
    for path in dict.fromkeys((*a.network, *b.network)):
        blocks.setdefault(block_of(path), []).append(path)

    def marks(nodes: Sequence[NodeChange]) -> Iterator[tuple[str, Mark]]:
        """The same mark for all layers of some changes."""
        kind = nodes[0].kind
        changes = changes_of(nodes) if kind == "changed" else ()
        mark = Mark(_FATES[kind], tuple(changes))
        for node in nodes:
            is_layer = node.path in a.network or node.path in b.network
            for path in [node.path] if is_layer else blocks[node.path]:
                yield path, mark

    layers = dict(joined.from_iterable(marks([node]) for node in nodes))
    alike = dict(joined.from_iterable(marks(each) for _, each in fold_changes(nodes)))
    own = costs(b)
    removed = dict.fromkeys((path for path in a.network if path not in own), Cost())
    return Marks(layers, alike, own | removed, total(a), total(b), b)


def _is_outside(a: LayerGraph, b: LayerGraph, path: str, both: set[str]) -> bool:
    """Whether a layer of a block has the same inputs as before in its block."""
    block = block_of(path)
    own = [
        [each for each in sources(graph, path, both) if each.startswith(f"{block}.")]
        for graph in (a, b)
    ]
    return bool(block) and own[0] == own[1]


def _is_drawn(a: LayerGraph, b: LayerGraph, path: str, both: set[str]) -> bool:
    """Whether the changed inputs are read through added or removed layers."""
    before, after = a.inputs(path), b.inputs(path)
    gone = {each for each in before if each in both} - {*after}
    new = {each for each in after if each in both} - {*before}
    return gone <= {*sources(b, path, both)} and new <= {*sources(a, path, both)}


def _places(a: LayerGraph, b: LayerGraph) -> dict[str, tuple[int, int]]:
    """Keep the order of the second graph, and put other layers after what they read.

    They also go after the layer that preceded them in the first graph, unless it now
    runs after one of their readers.
    """
    places = {path: (place, 0) for place, path in enumerate(b.order())}
    last = (-1, 0)
    for number, path in enumerate(a.order(), start=1):
        if path not in b.network:
            after = [places[source] for source in a.inputs(path)]
            before = [places[each] for each in a.readers(path) if each in places]
            if all(last < place for place in before):
                after.append(last)
            places[path] = (max(after, default=(-1, 0))[0], number)
        last = places[path]
    return places


def _through(
    removed: Sequence[str],
    around: Sequence[Collection[str]],
    before: Collection[str],
    after: Sequence[str],
) -> tuple[str, ...]:
    """The inputs of a layer, where removed ones take the place of what they read."""
    inputs = [*after]
    for path, read in zip(removed, around, strict=True):
        direct = [each for each in inputs if each in read and each not in before]
        if direct:
            inputs[inputs.index(direct[0])] = path
        else:
            inputs.append(path)
    return tuple(inputs)


def _named(
    a: Sequence[tuple[str, str]], b: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """Name what both return, and with a sign what only one of them returns.

    A value that has another name in each of them has both names: `~ logits → cls`.
    """
    found = {}
    removed = [(name, path) for name, path in a if (name, path) not in b]
    for name, path in b:
        old = next((each for each in removed if each[1] == path), None)
        if (name, path) in a:
            found[name] = path
        elif old is not None:
            removed.remove(old)
            found[f"{Fate.CHANGED.value} {old[0]} → {name}"] = path
        else:
            found[f"{Fate.ADDED.value} {name}"] = path
    return found | {f"{Fate.REMOVED.value} {name}": path for name, path in removed}
