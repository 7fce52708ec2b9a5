"""Parameters, operations and bytes of two models, side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deit_spec import cost
from deit_spec.compare.compared_model import ComparedModel


@dataclass(frozen=True, slots=True)
class Amount:
    """A cost of two models, for one image in float32, as `deit-spec cost` counts it."""

    name: str
    a: int
    b: int

    @property
    def is_bytes(self) -> bool:
        """Whether it is a number of bytes."""
        return self.name.endswith("_bytes")

    @property
    def difference(self) -> int:
        """How much more it is in the second model."""
        return self.b - self.a

    @property
    def percent(self) -> float | None:
        """The difference relative to the first model; None if that has none."""
        if self.a == self.b:
            return 0.0
        return 100 * self.difference / self.a if self.a else None

    def exceeds(self, percent: float) -> bool:
        """Whether it differs by more than a number of percent, up or down."""
        if self.percent is None:
            return True
        return abs(self.percent) > percent

    def as_json(self) -> dict[str, Any]:
        """The amounts as plain data."""
        return {
            "a": self.a,
            "b": self.b,
            "difference": self.difference,
            "percent": self.percent,
        }


def compare_costs(a: ComparedModel, b: ComparedModel) -> tuple[Amount, ...]:
    """Compare the costs for one image, in float32, as `deit-spec cost` counts them."""
    pairs = zip(_amounts(a), _amounts(b), strict=True)
    return tuple(Amount(name, one, other) for (name, one), (_, other) in pairs)


def _amounts(model: ComparedModel) -> Iterator[tuple[str, int]]:
    found = cost.report(model.graph, cost.Setting())
    yield "parameters", found.total.parameters
    yield "macs", found.total.count
    yield "forward_bytes", found.total.forward_bytes
    yield "peak_bytes", found.peak.bytes
    yield "training_bytes", found.total.training_bytes or 0
