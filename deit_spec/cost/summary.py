"""A one-line summary of a model."""

from deit_spec.cost.count import total
from deit_spec.cost.units import short
from deit_spec.graph import LayerGraph
from deit_spec.ops import JoinTokens, show


def summarise(graph: LayerGraph) -> str:
    """Return the name, tokens, parameters, MACs and output shapes."""
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
