"""The invariants of each stage. A violation is a bug in deit-spec."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import networkx as nx

from deit_spec.graph.layer_graph import LayerGraph, Stage, Target
from deit_spec.ops import Images, Op, Shape, ShapeError, same_sizes, show


class IllegalGraphError(AssertionError):
    """The graph violates the invariants of its stage."""


def verify(graph: LayerGraph) -> None:
    """Check every rule of the graph's stage.

    Raises:
        IllegalGraphError: With all violations of the first violated rule, one per line.
    """
    for rule in RULES[graph.stage]:
        # A rule may rely on the previous ones.
        if breaches := list(rule(graph)):
            raise IllegalGraphError("\n".join(breaches))


def acyclic(graph: LayerGraph) -> Iterator[str]:
    """No layer reads a layer that depends on it."""
    try:
        graph.order()
    except nx.NetworkXUnfeasible:
        yield f"cycle: {nx.find_cycle(graph.network)}"


def one_input(graph: LayerGraph) -> Iterator[str]:
    """There is exactly one layer for the images."""
    found = [path for path, op in graph.ops() if isinstance(op, Images)]
    if len(found) != 1:
        yield f"inputs: {found}"


def arguments_complete(graph: LayerGraph) -> Iterator[str]:
    """Every op has the right number of inputs, numbered from 0."""
    counts: dict[str, int] = {}
    disordered: set[str] = set()
    edges: Iterable[tuple[str, str, int]] = graph.network.edges(data="argument")
    for _, path, argument in edges:
        count = counts.get(path, 0)
        if argument != count:
            disordered.add(path)
        counts[path] = count + 1
    for path, op in graph.ops():
        count = counts.get(path, 0)
        wanted = count or 1 if op.arity is None else op.arity
        if count == wanted and path not in disordered:
            continue
        arguments = [edge["argument"] for edge in graph.network.pred[path].values()]
        if sorted(arguments) != list(range(wanted)):
            yield f"{path}: arguments {arguments}, expected {wanted}"


def paths_are_modules(graph: LayerGraph) -> Iterator[str]:
    """A path names a layer or a group of layers, never both."""
    parents = {path.rpartition(".")[0] for path in graph.network}
    while parents != {""}:
        for parent in sorted(parents.intersection(graph.network)):
            yield f"{parent} is both a layer and a group of layers"
        parents = {parent.rpartition(".")[0] for parent in parents}


def outputs_exist(graph: LayerGraph) -> Iterator[str]:
    """All outputs are layers."""
    if not graph.outputs:
        yield "no output"
    for path in graph.results():
        if path not in graph.network:
            yield f"output {path} is not a layer"


def nothing_idle(graph: LayerGraph) -> Iterator[str]:
    """Layers that no output depends on have parameters, or lead to layers that do."""
    live = graph.live()
    for path, op in graph.ops():
        if path in live or op.parameters or isinstance(op, Images):
            continue
        if not graph.readers(path):
            yield f"{path}: no layer reads it"


def nothing_unread(graph: LayerGraph) -> Iterator[str]:
    """Layers that no output depends on are not called."""
    live = graph.live()
    for path, op in graph.ops():
        if path not in live and op.arity != 0:
            yield f"{path}: no output depends on it"


def typed(graph: LayerGraph) -> Iterator[str]:
    """Every layer and every edge has a shape."""
    shapes = graph.shapes()
    for path, shape in shapes.items():
        if shape is None:
            yield f"{path}: no shape"
    for source, path, shape in graph.network.edges(data="shape"):
        if shape is not shapes[source]:
            yield f"{source} -> {path}: the shape of the edge differs"


def shapes_follow(graph: LayerGraph) -> Iterator[str]:
    """Shapes follow from the ops and their inputs; parameters are those of the ops."""
    wiring = graph.wiring()
    nodes: dict[str, dict[str, Any]] = dict(graph.network.nodes.items())
    followed = set[tuple[int, ...]]()
    for path, node in nodes.items():
        op, found = node["op"], node["shape"]
        shapes = [nodes[source]["shape"] for source in wiring[path]]
        # Blocks share their ops and shapes, so each combination is checked once.
        step = (id(op), id(found), *map(id, shapes))
        if step not in followed:
            followed.add(step)
            yield from _shape_follows(path, op, shapes, found)
        parameters = node["parameters"]
        if parameters is not op.parameters and parameters != op.parameters:
            yield f"{path}: parameters are not those of its op"


def _shape_follows(
    path: str, op: Op, shapes: Iterable[Shape], found: Shape
) -> Iterator[str]:
    try:
        shape = op.infer(*shapes)
    except ShapeError as error:
        yield f"{path} {error}"
        return
    if not same_sizes(shape, found):
        yield f"{path}: {show(found)}, but its op returns {show(shape)}"


def one_size_a_symbol(graph: LayerGraph) -> Iterator[str]:
    """A symbol has the same size everywhere, unless a layer changes it."""
    resized = {op.resizes for _, op in graph.ops()}
    sizes: dict[tuple[str, int], int | None] = {}
    seen: set[Shape] = set()
    for path, shape in graph.shapes().items():
        if shape is None or shape in seen:
            continue
        seen.add(shape)
        for dim in shape:
            known = sizes.setdefault((dim.symbol, dim.factor), dim.size)
            if dim.symbol and dim.symbol not in resized and known != dim.size:
                yield f"{path}: {dim}, but {known} elsewhere"


def no_identities(graph: LayerGraph) -> Iterator[str]:
    """No layer is an identity."""
    for path, op in graph.ops():
        if op.identity:
            yield f"{path}: {op.summary} is an identity"


def settled_for_inference(graph: LayerGraph) -> Iterator[str]:
    """For inference, no layer is random, and the only outputs are the prediction."""
    if graph.target is not Target.INFERENCE:
        return
    if len(graph.outputs) != 1 and set(graph.outputs) != {"probabilities", "classes"}:
        yield f"outputs: {list(graph.outputs)}"
    for path, op in graph.ops():
        if op.random:
            yield f"{path}: {op.summary} is random"


Rule = Callable[[LayerGraph], Iterator[str]]

_LOWERED: tuple[Rule, ...] = (
    acyclic,
    one_input,
    arguments_complete,
    paths_are_modules,
    outputs_exist,
    nothing_idle,
)
_TYPED: tuple[Rule, ...] = (*_LOWERED, typed, one_size_a_symbol)

RULES: dict[Stage, tuple[Rule, ...]] = {
    Stage.LOWERED: _LOWERED,
    Stage.TYPED: _TYPED,
    Stage.FINAL: (
        *_TYPED,
        shapes_follow,
        nothing_unread,
        no_identities,
        settled_for_inference,
    ),
}
