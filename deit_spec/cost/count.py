"""Parameters and multiply-accumulates of a graph, and a line that sums it up."""

from dataclasses import dataclass

from deit_spec.cost.units import short
from deit_spec.graph import LayerGraph
from deit_spec.ops import JoinTokens, show


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a layer or a model.

    `parameters` is the number of learnable numbers. `macs` is the number of
    multiply-accumulates of matrix products for one image, including attention.
    """

    parameters: int = 0
    macs: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.parameters + other.parameters, self.macs + other.macs)


def cost_of(graph: LayerGraph, path: str) -> Cost:
    """The cost of one layer of a typed graph."""
    op = graph.op(path)
    parameters = sum(parameter.count for parameter in op.parameters)
    return Cost(parameters, op.macs(*graph.input_shapes(path)))


def costs(graph: LayerGraph) -> dict[str, Cost]:
    """The cost of every layer, by path.

    A layer that no output depends on has parameters but no operations.
    """
    live = graph.live()
    found = {}
    for path in graph.order():
        cost = cost_of(graph, path)
        found[path] = cost if path in live else Cost(cost.parameters)
    return found


def total(graph: LayerGraph) -> Cost:
    """The cost of the model."""
    return sum(costs(graph).values(), Cost())


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
