"""What a layer costs in each of several equal blocks, as a range."""

from collections.abc import Sequence
from dataclasses import dataclass

from deit_spec.cost import Cost, short

ELLIPSIS = "…"


@dataclass(frozen=True)
class CostRange:
    """The costs in the first and in the last of equal blocks.

    The parameters are the same in each. The MACs differ where tokens merge.
    """

    first: Cost
    last: Cost

    def __add__(self, other: "CostRange") -> "CostRange":
        return CostRange(self.first + other.first, self.last + other.last)

    @property
    def parameters(self) -> int:
        """The number of parameters in each block."""
        return self.first.parameters

    @property
    def differs(self) -> bool:
        """Whether the blocks have different costs."""
        return self.first != self.last

    @property
    def macs(self) -> str:
        """The MACs, as a range if they differ; empty if there are none.

        >>> CostRange(Cost(0, 336_780_000), Cost(0, 106_740_000)).macs
        '336.78…106.74 M'
        """
        if not self.first.macs and not self.last.macs:
            return ""
        first, last = short(self.first.macs), short(self.last.macs)
        number, _, unit = first.partition(" ")
        if first == last:
            return first
        is_same_unit = unit == last.partition(" ")[2]
        return f"{number if is_same_unit else first}{ELLIPSIS}{last}"


NOTHING = CostRange(Cost(), Cost())


def exactly(cost: Cost) -> CostRange:
    """Return the range of a single cost."""
    return CostRange(cost, cost)


def range_of(costs: Sequence[Cost]) -> CostRange:
    """Return the range of the costs in equal blocks, in their order."""
    return CostRange(costs[0], costs[-1])
