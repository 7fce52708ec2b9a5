"""A graph in the format of Google's Model Explorer, and numbers to colour it.

The keys are those of the classes in `model_explorer.graph_builder` and
`model_explorer.node_data_builder` of the package `ai-edge-model-explorer`, 0.1.
"""

from collections import defaultdict
from typing import Any

from deit_spec.cost import Cost, costs
from deit_spec.diagram.graph_view import around
from deit_spec.diagram.heat import STEPS, Heat
from deit_spec.diagram.palette import HEAT
from deit_spec.graph import LayerGraph
from deit_spec.ops import show


def as_model_explorer(graph: LayerGraph) -> dict[str, Any]:
    """Convert a graph with inferred shapes to a `GraphCollection` with one graph.

    A node has the path of its layer as `id`, the scopes around it as `namespace`, and
    the op, the shape, the parameters, the MACs per image and the line of the spec as
    `attrs`. The graph and each scope have the sums of the parameters and the MACs.
    """
    each = costs(graph)
    sums: dict[str, Cost] = defaultdict(Cost)
    for path in graph.order():
        for scope in ("", *around(path)):
            sums[scope] += each[path]
    about = {"target": graph.target.value, "digest": graph.digest}
    groups = {_namespace(scope): _costs(cost) for scope, cost in sums.items()}
    found = {
        "id": graph.name,
        "nodes": [_node(graph, path, each[path]) for path in graph.order()],
        "groupNodeAttributes": groups | {"": about | groups[""]},
    }
    return {"label": graph.name, "graphs": [found]}


def as_node_data(graph: LayerGraph, heat: Heat) -> dict[str, Any]:
    """Convert numbers to the `GraphNodeData` of a graph of `as_model_explorer`.

    The colours are those of a figure. Model Explorer colours layers only, so a layer
    without a number has that of the closest scope with one.
    """
    values = heat.values
    low, high = min(0.0, *values.values()), max(0.0, *values.values())
    step = (high - low) / STEPS
    bounds = [*(low + step * (place + 1) for place in range(STEPS - 1)), high]
    data = {
        "name": heat.title,
        "results": {
            path: {"value": values[closest]}
            for path in graph.order()
            for closest in [*filter(values.__contains__, (path, *around(path)))][:1]
        },
        "thresholds": [
            {"value": bound, "bgColor": HEAT[f"heat{place}"][0]}
            for place, bound in enumerate(bounds)
        ],
    }
    return {graph.name: data}


def _node(graph: LayerGraph, path: str, cost: Cost) -> dict[str, Any]:
    op, span, shape = graph.op(path), graph.span(path), show(graph.shape(path))
    scope, _, name = path.rpartition(".")
    returned = {**graph.outputs, **graph.taps}.items()
    outputs = [each for each, value in returned if value == path]
    if path == graph.predict:
        outputs.append("predict")
    tensors = [f"{p.name} {show(p.shape)}".strip() for p in op.parameters]
    attributes = {
        "op": type(op).__name__,
        "summary": op.summary,
        "shape": shape,
        "tensors": ", ".join(tensors),
        **_costs(cost),
        "outputs": ", ".join(outputs),
        "spec": str(span or ""),
    }
    value = {"shape": shape, "__tensor_tag": ", ".join(outputs)}
    return {
        "id": path,
        "label": name,
        "namespace": _namespace(scope),
        "attrs": _pairs(attributes),
        "incomingEdges": [
            {
                "sourceNodeId": source,
                "sourceNodeOutputId": "0",
                "targetNodeInputId": str(argument),
            }
            for argument, source in enumerate(graph.inputs(path))
        ],
        "outputsMetadata": [{"id": "0", "attrs": _pairs(value)}],
    }


def _costs(cost: Cost) -> dict[str, str]:
    """Return costs as plain numbers, which Model Explorer can search and compare."""
    return {"parameters": str(cost.parameters), "MACs": str(cost.macs)}


def _pairs(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items() if value]


def _namespace(scope: str) -> str:
    return scope.replace(".", "/")
