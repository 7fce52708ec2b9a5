"""The graph as JSON."""

from dataclasses import fields
from typing import Any

from deit_spec.cost import costs
from deit_spec.diagnostics import Span
from deit_spec.graph import LayerGraph
from deit_spec.ops import Dim, Op, Parameter, Shape, show

FORMAT = "deit-spec/graph"
VERSION = 1


def as_json(graph: LayerGraph) -> dict[str, Any]:
    """Convert a graph with inferred shapes to a document for `json.dumps`.

    The keys are `format` and `version` of the document, and

    - `name`, `digest`: the name of the spec and the hash of its content,
    - `target`: "train" or "inference",
    - `outputs`: the outputs of `forward`, as a mapping from name to path,
    - `predict`: the path of the output of `predict`, or null,
    - `totals`: `parameters` and `macs` (multiply-accumulates per image),
    - `nodes`: the layers in execution order,
    - `edges`: the values between layers: the paths `source` and `target`,
      `argument` (the index among the inputs of the target) and `shape` (a text).

    A node has a `path`, `op` (the class of the layer), `summary` (a short text),
    `fields` (the fields of the op), `shape` (of the output: a list of `symbol`,
    which may be empty, `size`, null for the batch, and `text`), `parameters`
    (`name` in the state dict, `shape` in sizes, `count`), `macs` and `span`
    (`file`, 1-based `line` and `column` in the spec; or null).
    """
    found = costs(graph)
    order = graph.order()
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": graph.name,
        "digest": graph.digest,
        "target": graph.target.value,
        "outputs": dict(graph.outputs),
        "predict": graph.predict,
        "totals": {
            "parameters": sum(cost.parameters for cost in found.values()),
            "macs": sum(cost.macs for cost in found.values()),
        },
        "nodes": [_node(graph, path, found[path].macs) for path in order],
        "edges": [edge for path in order for edge in _edges(graph, path)],
    }


def _node(graph: LayerGraph, path: str, macs: int) -> dict[str, Any]:
    op = graph.op(path)
    return {
        "path": path,
        "op": type(op).__name__,
        "summary": op.summary,
        "fields": _fields(op),
        "shape": _shape(graph.shape(path)),
        "parameters": [_parameter(path, tensor) for tensor in op.parameters],
        "macs": macs,
        "span": _span(graph.span(path)),
    }


def _edges(graph: LayerGraph, path: str) -> list[dict[str, Any]]:
    return [
        {
            "source": source,
            "target": path,
            "argument": argument,
            "shape": show(graph.shape(source)),
        }
        for argument, source in enumerate(graph.inputs(path))
    ]


def _fields(op: Op) -> dict[str, Any]:
    """Return the fields that are plain values or dimensions."""
    found: dict[str, Any] = {}
    for field in fields(op):  # type: ignore[arg-type]  # every op is a dataclass
        value = getattr(op, field.name)
        if isinstance(value, Dim):
            found[field.name] = _dim(value)
        elif isinstance(value, bool | int | float | str):
            found[field.name] = value
    return found


def _shape(shape: Shape) -> list[dict[str, Any]]:
    return [_dim(dim) for dim in shape]


def _dim(dim: Dim) -> dict[str, Any]:
    symbol = dim.letter if dim.symbol else ""
    return {"symbol": symbol, "size": dim.size, "text": str(dim)}


def _parameter(path: str, tensor: Parameter) -> dict[str, Any]:
    name = f"{path}.{tensor.name}" if tensor.name else path
    shape = [dim.size for dim in tensor.shape]
    return {"name": name, "shape": shape, "count": tensor.count}


def _span(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    return {"file": span.source.name, "line": span.line, "column": span.column}
