"""Remove layers that only act in training: dropout and drop path."""

from deit_spec.graph import LayerGraph


def drop_random(graph: LayerGraph) -> LayerGraph:
    """Remove all random layers, which are identities in evaluation."""
    for path in graph.order():
        if graph.op(path).random:
            graph.bypass(path)
    return graph
