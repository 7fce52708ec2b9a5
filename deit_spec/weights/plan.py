"""A plan: what becomes of every tensor, before anything is done."""

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias, get_args

from deit_spec.diagnostics import Diagnostic, has_errors
from deit_spec.ops import Init
from deit_spec.weights.checkpoint import Sizes

Allowance: TypeAlias = Literal["resample", "heads", "channels", "distillation", "drop"]
ALLOWANCES: tuple[Allowance, ...] = get_args(Allowance)
"""What may be done beyond taking, renaming and fusing tensors."""


class Kind(Enum):
    """What is done to make a tensor of the model."""

    TAKEN = "taken"
    RENAMED = "renamed"
    FUSED = "fused"
    RESAMPLED = "resampled"
    ADAPTED = "adapted"
    CREATED = "created"
    REINITIALISED = "re-initialised"


@dataclass(frozen=True, slots=True)
class Join:
    """The sources as they are, one below the other."""


@dataclass(frozen=True, slots=True)
class Positions:
    """A position table for other prefix tokens, another grid, or both."""

    prefix: tuple[int, int]
    grid: tuple[int, int]
    antialias: bool


@dataclass(frozen=True, slots=True)
class Channels:
    """A patch projection for another number of channels."""

    count: int


@dataclass(frozen=True, slots=True)
class Draw:
    """Fresh numbers, as the model itself begins."""

    init: Init


Recipe: TypeAlias = Join | Positions | Channels | Draw


@dataclass(frozen=True, slots=True)
class Step:
    """How one tensor of the model is made; `needs` is what must be allowed."""

    name: str
    shape: Sizes
    kind: Kind
    sources: tuple[str, ...]
    recipe: Recipe
    reason: str = ""
    needs: frozenset[Allowance] = frozenset()


@dataclass(frozen=True, slots=True)
class Dropped:
    """A tensor of the checkpoint that the model has no use for."""

    name: str
    reason: str
    needs: frozenset[Allowance]


@dataclass(frozen=True)
class Plan:
    """What becomes of every tensor of a checkpoint and of a model.

    `missing` are tensors of the model, `left_over` tensors of the checkpoint,
    that no rule reconciles; each is in an error of `diagnostics` too.
    """

    spec: str
    checkpoint: str
    format: str
    dialect: str
    steps: tuple[Step, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    missing: tuple[str, ...] = ()
    left_over: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def reconciles(self) -> bool:
        """Whether the model can be made of the checkpoint."""
        return not has_errors(self.diagnostics)

    @property
    def needs(self) -> frozenset[Allowance]:
        """All that must be allowed."""
        of_steps = (step.needs for step in self.steps)
        of_dropped = (each.needs for each in self.dropped)
        return frozenset[Allowance]().union(*of_steps, *of_dropped)

    def needing(self, need: Allowance) -> list[str]:
        """The tensors for which something must be allowed."""
        steps = [step.name for step in self.steps if need in step.needs]
        dropped = [each.name for each in self.dropped if need in each.needs]
        return list(dict.fromkeys(steps + dropped))

    def counts(self) -> dict[str, int]:
        """How many tensors meet each fate, the fates in a fixed order."""
        kinds = Counter(step.kind for step in self.steps)
        found = {kind.value: kinds[kind] for kind in Kind}
        found["dropped"] = len(self.dropped)
        found["missing"] = len(self.missing)
        found["left over"] = len(self.left_over)
        return {fate: number for fate, number in found.items() if number}
