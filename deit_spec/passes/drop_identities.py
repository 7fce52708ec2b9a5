"""Remove what does nothing: dropout and drop path of rate zero."""

from deit_spec.graph import LayerGraph


def drop_identities(graph: LayerGraph) -> LayerGraph:
    """Bypass every layer that leaves its input as it is."""
    for path in graph.order():
        if graph.op(path).identity:
            graph.bypass(path)
    return graph
