"""Remove identities: dropout and drop path with rate zero."""

from deit_spec.graph import LayerGraph


def drop_identities(graph: LayerGraph) -> LayerGraph:
    """Remove all layers that return their input unchanged."""
    for path in graph.order():
        if graph.op(path).identity:
            graph.bypass(path)
    return graph
