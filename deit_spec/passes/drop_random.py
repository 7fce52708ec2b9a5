"""Remove what acts in training only: dropout and drop path."""

from deit_spec.graph import LayerGraph


def drop_random(graph: LayerGraph) -> LayerGraph:
    """Bypass every random layer; at evaluation each is an identity."""
    for path in graph.order():
        if graph.op(path).random:
            graph.bypass(path)
    return graph
