"""The graph as plain data, for other programs."""

from dataclasses import fields
from typing import Any

from deit_spec.cost import costs
from deit_spec.diagnostics import Span
from deit_spec.graph import LayerGraph
from deit_spec.ops import Dim, Op, Parameter, Shape, show

FORMAT = "deit-spec/graph"
VERSION = 1


def as_json(graph: LayerGraph) -> dict[str, Any]:
    """Describe a graph with shapes as data that JSON can hold.

    The keys are `format` and `version` of this description, and

    - `name`, `digest`: the spec's name and the hash of its content,
    - `target`: "train" or "inference",
    - `outputs`: what `forward` returns, the path of each output by name,
    - `predict`: the path of what `predict` returns, or null,
    - `totals`: `parameters` and `macs` (multiply-accumulates for one image),
    - `nodes`: the layers in the order in which they run,
    - `edges`: the values between them: `source` and `target` paths, `argument`
      (the position among the target's inputs) and `shape`, written out.

    A node has its `path`, `op` (the kind of layer), `summary` (a few words),
    `fields` (what the op is declared with), `shape` (of its output: a list of
    `symbol`, empty where there is none, `size`, null for the batch, and `text`),
    `parameters` (`name` in the state dict, `shape` in sizes, `count`), `macs`
    and `span` (`file`, `line` and `column` in the spec, from 1; or null).
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
    """The fields that are plain values or dimensions."""
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
