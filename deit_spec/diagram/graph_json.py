"""The graph as JSON."""

from dataclasses import fields
from typing import Any

from deit_spec.cost import costs
from deit_spec.graph import LayerGraph
from deit_spec.ops import Dim, show

FORMAT = "deit-spec/graph"
VERSION = 1


def as_json(graph: LayerGraph) -> dict[str, Any]:
    """Convert a graph with inferred shapes to a document for `json.dumps`.

    The keys are `format` and `version` of the document, and

    - `name`, `digest`: the name of the spec and the hash of its content,
    - `target`: "train" or "inference",
    - `outputs`: the outputs of `forward`, as a mapping from name to path,
    - `taps`: the other values that it returns, as a mapping from name to path,
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
        "taps": dict(graph.taps),
        "predict": graph.predict,
        "totals": {
            "parameters": sum(cost.parameters for cost in found.values()),
            "macs": sum(cost.macs for cost in found.values()),
        },
        "nodes": [_node(graph, path, found[path].macs) for path in order],
        "edges": [
            {
                "source": source,
                "target": path,
                "argument": argument,
                "shape": show(graph.shape(source)),
            }
            for path in order
            for argument, source in enumerate(graph.inputs(path))
        ],
    }


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
