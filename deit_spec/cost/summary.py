"""A model on one line."""

from deit_spec.cost.count import total
from deit_spec.cost.units import short
from deit_spec.graph import LayerGraph
from deit_spec.ops import JoinTokens, show


def summarise(graph: LayerGraph) -> str:
    """Name, tokens, parameters, MACs and the shapes of the outputs."""
    cost = total(graph)
    tokens = [op.tokens.size for _, op in graph.ops() if isinstance(op, JoinTokens)]
    outputs = [
        f"{name} {show(graph.shape(path))}" for name, path in graph.outputs.items()
    ]
    return ", ".join(
        [
            graph.name,
            *(f"{count} tokens" for count in tokens),
            f"{cost.parameters:,} parameters",
            f"{short(cost.macs)} MACs",
            *outputs,
        ]
    )
