"""Parameters and multiply-accumulates, from the graph alone."""

from dataclasses import dataclass

from deit_spec.graph import LayerGraph


@dataclass(frozen=True, slots=True)
class Cost:
    """What a layer or a model costs.

    `parameters` counts learnable numbers. `macs` counts the multiply-accumulates
    of matrix products for one image, attention's two included.
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

    A layer that no output reads keeps its parameters and multiplies nothing.
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
