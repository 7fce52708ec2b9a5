"""Remove layers that no output depends on."""

from deit_spec.graph import LayerGraph
from deit_spec.ops import LayerWeights, ModuleOp


def drop_unread_layers(graph: LayerGraph) -> LayerGraph:
    """Remove all layers that no output depends on.

    Their parameters stay, as layers that are not called, so that state dicts match.
    """
    live = graph.live()
    for path, op in [*graph.ops()]:
        if path in live or op.arity == 0:
            continue
        if isinstance(op, ModuleOp) and op.parameters:
            weights = LayerWeights(op)
            graph.replace(path, weights)
            graph.set_shape(path, weights.infer())
        else:
            graph.network.remove_node(path)
    return graph
