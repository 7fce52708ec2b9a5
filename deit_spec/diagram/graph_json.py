"""The graph as JSON."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from deit_spec.cost import costs
from deit_spec.diagram.zero_rates import layers_of
from deit_spec.graph import LayerGraph, Scope, build_scopes, runs
from deit_spec.ops import Dim, show

FORMAT = "deit-spec/graph"
VERSION = 2


def as_json(graph: LayerGraph, *, expand: bool = False) -> dict[str, Any]:
    """Convert a graph with inferred shapes to a document for `json.dumps`.

    `expand` lists equal blocks separately. The keys are `format` and `version` of the
    document, and

    - `name`, `digest`: the name of the spec and the hash of its content,
    - `target`: "train" or "inference",
    - `outputs`: the outputs of `forward`, as a mapping from name to path,
    - `taps`: the other values that it returns, as a mapping from name to path,
    - `predict`: the path of the output of `predict`, or null,
    - `totals`: `parameters` and `macs` (multiply-accumulates per image),
    - `nodes`: the layers in execution order,
    - `edges`: the values between layers: the paths `source` and `target`,
      `argument` (the index among the inputs of the target) and `shape` (a text),
    - `repeated`: consecutive equal blocks, of which the others have the nodes and the
      edges of the first, below their own path: `path` of the first, `count`, `paths`,
      and `differences`, by path of a layer the keys that differ from its node in the
      first block. An edge within another block is listed only if its shape differs.

    A node has a `path`, `op` (the class of the layer), `summary` (a short text),
    `fields` (the fields of the op), `shape` (of the output: a list of `symbol`,
    which may be empty, `size`, null for the batch, and `text`), `parameters`
    (`name` in the state dict, `shape` in sizes, `count`), `macs` and `span`
    (`file`, 1-based `line` and `column` in the spec; or null).
    """
    found = costs(graph)
    order = graph.order()
    nodes = {path: _node(graph, path, found[path].macs) for path in order}
    edges = {
        (source, path): {
            "source": source,
            "target": path,
            "argument": argument,
            "shape": show(graph.shape(source)),
        }
        for path in order
        for argument, source in enumerate(graph.inputs(path))
    }
    repeated = [] if expand else [*_repeated(build_scopes(graph), order)]
    folded = [_fold(paths, nodes, edges) for paths in repeated]
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": graph.name,
        "digest": graph.digest,
        "target": graph.target.value,
        "outputs": dict(graph.outputs),
        "taps": dict(graph.taps),
        "predict": graph.predict,
        "totals": {
            "parameters": sum(cost.parameters for cost in found.values()),
            "macs": sum(cost.macs for cost in found.values()),
        },
        "nodes": [*nodes.values()],
        "edges": [*edges.values()],
        "repeated": folded,
    }


def _repeated(scope: Scope, order: list[str]) -> Iterator[list[str]]:
    """Return the paths of equal scopes whose layers follow each other in the order."""
    if not scope.is_sequence:
        for inner in scope.scopes:
            yield from _repeated(inner, order)
        return
    places = {path: place for place, path in enumerate(order)}
    for run in runs(scope.scopes):
        layers = [sorted(layers_of(each), key=places.__getitem__) for each in run]
        names = {
            tuple(path.removeprefix(each.path) for path in paths)
            for each, paths in zip(run, layers, strict=True)
        }
        joined = [path for paths in layers for path in paths]
        start = places[joined[0]]
        is_row = joined == order[start : start + len(joined)]
        if len(run) > 1 and len(names) == 1 and is_row:
            yield [each.path for each in run]


def _fold(
    paths: list[str],
    nodes: dict[str, dict[str, Any]],
    edges: dict[tuple[str, str], dict[str, Any]],
) -> dict[str, Any]:
    """Remove what all scopes but the first have in common with it, and list them."""
    first, *others = paths
    inner = [name for name in nodes if name.startswith(f"{first}.")]
    between = [edge for edge in edges if {*edge}.issubset(inner)]
    differences = {}
    for path in others:
        moved = {name: f"{path}{name.removeprefix(first)}" for name in inner}
        for name in inner:
            node, same = nodes.pop(moved[name]), _renamed(nodes[name], moved[name])
            changed = {key: node[key] for key in node if node[key] != same[key]}
            if changed:
                differences[moved[name]] = changed
        for source, target in between:
            edge = edges[source, target]
            same = edge | {"source": moved[source], "target": moved[target]}
            if edges[moved[source], moved[target]] == same:
                del edges[moved[source], moved[target]]
    return {
        "path": first,
        "count": len(paths),
        "paths": paths,
        "differences": differences,
    }


def _renamed(node: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the same node at another path."""
    tensors = [
        tensor | {"name": path + tensor["name"].removeprefix(node["path"])}
        for tensor in node["parameters"]
    ]
    return node | {"path": path, "parameters": tensors}


def _node(graph: LayerGraph, path: str, macs: int) -> dict[str, Any]:
    op, span = graph.op(path), graph.span(path)
    values = {field.name: getattr(op, field.name) for field in fields(op)}  # type: ignore[arg-type]  # every op is a dataclass
    return {
        "path": path,
        "op": type(op).__name__,
        "summary": op.summary,
        "fields": {
            name: _dim(value) if isinstance(value, Dim) else value
            for name, value in values.items()
            if isinstance(value, Dim | bool | int | float | str)
        },
        "shape": [_dim(dim) for dim in graph.shape(path)],
        "parameters": [
            {
                "name": f"{path}.{tensor.name}" if tensor.name else path,
                "shape": [dim.size for dim in tensor.shape],
                "count": tensor.count,
            }
            for tensor in op.parameters
        ],
        "macs": macs,
        "span": span
        and {"file": span.source.name, "line": span.line, "column": span.column},
    }


def _dim(dim: Dim) -> dict[str, Any]:
    symbol = dim.letter if dim.symbol else ""
    return {"symbol": symbol, "size": dim.size, "text": str(dim)}
