"""Remove the weights that no output depends on."""

from deit_spec.graph import LayerGraph
from deit_spec.ops import Images


def drop_unread_weights(graph: LayerGraph) -> LayerGraph:
    """Remove all layers that no output depends on, with their parameters.

    The state dict is then a part of that of the model.
    """
    live = graph.live()
    unread = [
        p for p, op in graph.ops() if p not in live and not isinstance(op, Images)
    ]
    graph.network.remove_nodes_from(unread)
    return graph
