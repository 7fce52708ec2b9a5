"""Layers of rate 0, so that blocks which differ only in a rate are drawn as one.

The rate of stochastic depth is 0 in the first block, and a pass removes its `DropPath`
layers. A figure has them again where the block is then equal to the next one.
"""

from collections.abc import Collection, Iterator
from copy import copy
from dataclasses import dataclass, replace
from itertools import pairwise

from deit_spec.diagram.marks import Marks
from deit_spec.graph import LayerGraph, Scope, build_scopes
from deit_spec.ops import Op


@dataclass(frozen=True)
class _Layer:
    """A layer of rate 0 of a scope, whose `twin` in the scope `model` has another rate.

    It is added after the layer `previous`, between its source and its readers.
    """

    path: str
    twin: str
    scope: str
    model: str
    previous: str
    source: str
    readers: tuple[str, ...]


def with_zero_rates(graph: LayerGraph, marks: Marks | None = None) -> LayerGraph:
    """Return a graph with the layers of rate 0 that make blocks equal to the next.

    Blocks of two models are equal only if their layers are marked alike. A block whose
    output is returned is drawn alone, unless those of all blocks are.
    """
    if not any(op.lifted for _, op in graph.ops()):
        return graph
    results = {*graph.results()}
    layers: list[_Layer] = []
    for sequence in build_scopes(graph).walk():
        if not sequence.is_sequence:
            continue
        returned = [not results.isdisjoint(each.outputs) for each in sequence.scopes]
        for place, (scope, model) in enumerate(pairwise(sequence.scopes)):
            is_alone = returned[place] and not all(returned)
            is_alike = marks is None or _is_marked_alike(scope, model, marks)
            if is_alike and not is_alone:
                layers += _missing(scope, model, graph)
    found = _added(graph, layers)
    structures = {each.path: each.structure for each in build_scopes(found).walk()}
    equal = [e for e in layers if structures[e.scope] == structures[e.model]]
    return found if equal == layers else _added(graph, equal)


def layers_of(scope: Scope) -> Iterator[str]:
    """Return the layers in a scope, in execution order."""
    for item in scope.items.values():
        if isinstance(item, str):
            yield item
        else:
            yield from layers_of(item)


def _is_marked_alike(scope: Scope, model: Scope, marks: Marks) -> bool:
    """Whether the layers of a scope are marked as those of the next one."""
    twins = ((path, model.path + path[len(scope.path) :]) for path in layers_of(scope))
    return all(marks.alike.get(one) == marks.alike.get(other) for one, other in twins)


def _missing(scope: Scope, model: Scope, graph: LayerGraph) -> Iterator[_Layer]:
    """Return the layers of the next scope that this one lacks because its rate is 0."""

    def here(path: str) -> str:
        inside = path.startswith(f"{model.path}.")
        return scope.path + path[len(model.path) :] if inside else path

    for previous, path in pairwise(layers_of(model)):
        if here(path) in graph.network or not _zero(graph.op(path)).identity:
            continue
        if len(graph.inputs(path)) > 1:
            continue  # a layer of two models, which both have other layers before it
        (source,) = map(here, graph.inputs(path))
        readers = [
            here(reader)
            for reader in graph.readers(path)
            if graph.network.has_edge(source, here(reader))
        ]
        if {here(previous), source} <= {*graph.network}:
            yield _Layer(
                here(path),
                path,
                scope.path,
                model.path,
                here(previous),
                source,
                (*readers,),
            )


def _zero(op: Op) -> Op:
    """Return the op with the rate 0."""
    return replace(op, **{name: 0.0 for name, _ in op.lifted})  # type: ignore[type-var]  # every op is a dataclass


def _added(graph: LayerGraph, layers: Collection[_Layer]) -> LayerGraph:
    """Return a graph with more layers, or the same graph without any."""
    if not layers:
        return graph
    found = copy(graph)
    found.network = graph.network.copy()
    order = graph.order()
    for layer in layers:
        op, span = _zero(graph.op(layer.twin)), graph.span(layer.twin)
        found.add(layer.path, op, [layer.source], span)
        for reader in layer.readers:
            edge = found.network.edges[layer.source, reader]
            found.network.remove_edge(layer.source, reader)
            found.network.add_edge(layer.path, reader, **edge)
        found.set_shape(layer.path, graph.shape(layer.source))
        order.insert(order.index(layer.previous) + 1, layer.path)
    found.reorder(order)
    return found
