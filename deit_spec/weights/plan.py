"""A plan: what becomes of every tensor, before anything is done."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, TypeAlias

from deit_spec.diagnostics import Diagnostic, has_errors
from deit_spec.diagnostics.printable import counted
from deit_spec.graph import LayerGraph
from deit_spec.ops import Init
from deit_spec.spec.weight_permissions import PERMISSIONS, Permission
from deit_spec.weights.checkpoint import Sizes
from deit_spec.weights.weight_findings import WeightsError, finding, some

OTHER_CLASSES = "the weights have other classes"
"""Why heads with as many classes are not taken."""


class Kind(Enum):
    """How a tensor of the model is made."""

    TAKEN = "taken"
    RENAMED = "renamed"
    FUSED = "fused"
    RESAMPLED = "resampled"
    ADAPTED = "adapted"
    CREATED = "created"
    REINITIALISED = "re-initialised"


@dataclass(frozen=True, slots=True)
class Join:
    """Concatenate the sources, with zeros like the first at each index of `zeros`."""

    zeros: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Positions:
    """Change the prefix tokens of a position table, its grid, or both."""

    prefix: tuple[int, int]
    grid: tuple[int, int]
    antialias: bool


@dataclass(frozen=True, slots=True)
class Channels:
    """Change the number of channels of the patch projection."""

    count: int


@dataclass(frozen=True, slots=True)
class Draw:
    """Draw new numbers, as the model itself is initialised."""

    init: Init


Transform: TypeAlias = Join | Positions | Channels | Draw


@dataclass(frozen=True, slots=True)
class Step:
    """How one tensor of the model is made; `needs` is what has to be allowed."""

    name: str
    shape: Sizes
    kind: Kind
    sources: tuple[str, ...]
    transform: Transform
    reason: str = ""
    needs: frozenset[Permission] = frozenset()

    def as_json(self) -> dict[str, Any]:
        """What becomes of the tensor, as plain data."""
        return {
            "tensor": self.name,
            "shape": list(self.shape),
            "fate": self.kind.value,
            "sources": list(self.sources),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Dropped:
    """A tensor of the checkpoint that the model does not use."""

    name: str
    reason: str
    needs: frozenset[Permission]


@dataclass(frozen=True)
class Plan:
    """What becomes of every tensor of a checkpoint and of a model.

    `missing` are tensors of the model that nothing makes, `left_over` tensors of the
    checkpoint that nothing may drop. Each is in an error of `diagnostics` too.
    """

    spec: str
    checkpoint: str
    format: str
    naming_scheme: str
    steps: tuple[Step, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    missing: tuple[str, ...] = ()
    left_over: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def reconciles(self) -> bool:
        """Whether the model can be made from the checkpoint, if all is allowed."""
        return not has_errors(self.diagnostics)

    @property
    def needs(self) -> frozenset[Permission]:
        """All that has to be allowed."""
        return frozenset(need for each in self._changes for need in each.needs)

    def needing(self, need: Permission) -> list[str]:
        """The tensors for which something has to be allowed."""
        names = (each.name for each in self._changes if need in each.needs)
        return list(dict.fromkeys(names))

    def reasons(self, need: Permission) -> list[str]:
        """Why something has to be allowed; first for the tensors of the model."""
        reasons = (each.reason for each in self._changes if need in each.needs)
        return list(dict.fromkeys(reasons))

    @property
    def _changes(self) -> tuple[Step | Dropped, ...]:
        return (*self.steps, *self.dropped)

    def limited_to(self, graph: LayerGraph) -> "Plan":
        """The part of the plan for the tensors of a graph that ends earlier."""
        names = graph.tensors()
        steps = tuple(step for step in self.steps if step.name in names)
        return replace(self, steps=steps)

    def counts(self) -> dict[str, int]:
        """The number of tensors of each fate, in a fixed order."""
        kinds = Counter(step.kind for step in self.steps)
        found = {kind.value: kinds[kind] for kind in Kind}
        found["dropped"] = len(self.dropped)
        found["missing"] = len(self.missing)
        found["left over"] = len(self.left_over)
        return {fate: number for fate, number in found.items() if number}


def with_new_heads(plan: Plan, graph: LayerGraph, heads: Collection[str]) -> Plan:
    """Draw these tensors of heads, instead of taking those of other classes.

    `heads` has to be allowed then.
    """
    tensors, need = graph.tensors(), frozenset[Permission]({"heads"})
    steps, dropped = list[Step](), list(plan.dropped)
    for step in plan.steps:
        if step.name not in heads:
            steps.append(step)
            continue
        dropped += [Dropped(source, OTHER_CLASSES, need) for source in step.sources]
        transform = Draw(tensors[step.name].init)
        kind, shape = Kind.REINITIALISED, step.shape
        steps.append(Step(step.name, shape, kind, (), transform, OTHER_CLASSES, need))
    return replace(plan, steps=tuple(steps), dropped=tuple(dropped))


def allowed(
    *, strict: bool = True, allow: Collection[str] | None = None
) -> frozenset[Permission]:
    """What `strict` and `allow` allow; if `allow` is given, `strict` is ignored.

    >>> sorted(allowed(strict=False, allow={"heads"}))
    ['heads']

    Raises:
        ValueError: A word of `allow` is unknown.
    """
    if allow is None:
        return frozenset() if strict else frozenset(PERMISSIONS)
    words = {allow} if isinstance(allow, str) else set(allow)
    if unknown := sorted(words.difference(PERMISSIONS)):
        raise ValueError(f"allow takes {', '.join(PERMISSIONS)}, not {unknown[0]!r}")
    return frozenset(word for word in PERMISSIONS if word in words)


def find_forbidden(plan: Plan, permissions: frozenset[Permission]) -> list[Diagnostic]:
    """DS414: what a plan needs and is not allowed."""
    return [
        finding(
            "DS414",
            f"{counted(len(names), 'tensor')} would need `{need}`, "
            "which is not allowed",
            plan.checkpoint,
            notes=[f"for {some(names)}"],
            helps=[
                f"`--allow {need}`, or `--no-strict` for all that is needed",
                f'`allow={{"{need}"}}` in Python, or `strict=False`',
            ],
        )
        for need in sorted(plan.needs - permissions)
        if (names := plan.needing(need))
    ]


def require(plan: Plan, permissions: frozenset[Permission]) -> None:
    """Check that a plan is allowed, or raise a WeightsError with each reason."""
    problems = [] if plan.reconciles else [*plan.diagnostics]
    problems += find_forbidden(plan, permissions)
    if problems:
        raise WeightsError(problems)
