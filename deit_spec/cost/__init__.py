"""From the graph to numbers."""

from deit_spec.cost.count import Cost, cost_of, costs, total
from deit_spec.cost.summary import summarise
from deit_spec.cost.units import short

__all__ = ["Cost", "cost_of", "costs", "short", "summarise", "total"]
