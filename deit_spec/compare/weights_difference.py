"""What becomes of the weights of a model in another, or how two checkpoints differ."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from deit_spec.compare.compared_model import ComparedModel
from deit_spec.diagnostics import Diagnostic, has_errors
from deit_spec.weights import (
    Checkpoint,
    Plan,
    Step,
    make_plan,
    open_checkpoint,
    realise,
)
from deit_spec.weights.shape_info import GraphParameters


@dataclass(frozen=True, slots=True)
class TensorDifference:
    """A tensor of two checkpoints.

    `relative` is the norm of the difference, divided by the norm of the first tensor.
    `cosine` is the cosine similarity of both. They are None where they are not finite.
    """

    name: str
    shape: tuple[int, ...]
    is_equal: bool
    relative: float | None = 0.0
    cosine: float | None = 1.0

    def as_json(self) -> dict[str, Any]:
        """The difference as plain data."""
        return {
            "tensor": self.name,
            "shape": list(self.shape),
            "equal": self.is_equal,
            "relative": self.relative,
            "cosine": self.cosine,
        }


@dataclass(frozen=True)
class WeightsDifference:
    """Either the `plan` for a checkpoint of A in B, or the tensors of two checkpoints.

    `only_a` and `only_b` are tensors that the other does not have in this shape.
    `is_file` is whether the plan is for a file, not for any checkpoint of a spec.
    """

    plan: Plan | None = None
    is_file: bool = False
    tensors: tuple[TensorDifference, ...] = ()
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether a checkpoint of A loads in B as it is, or both are equal."""
        if self.plan is not None:
            return self.plan.reconciles and not self.plan.needs
        is_equal = all(tensor.is_equal for tensor in self.tensors)
        return is_equal and not self.only_a and not self.only_b

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """Why a checkpoint cannot be used in B, whatever is allowed."""
        found = () if self.plan is None else self.plan.diagnostics
        return tuple(each for each in found if has_errors([each]))

    def as_json(self) -> dict[str, Any]:
        """The difference as plain data."""
        if self.plan is None:
            tensors = [tensor.as_json() for tensor in self.tensors]
            only = {"only_a": [*self.only_a], "only_b": [*self.only_b]}
            return {"tensors": tensors, **only}
        plan = self.plan
        return {
            "fits": plan.reconciles,
            "needs": sorted(plan.needs),
            "counts": plan.counts(),
            "steps": [step.as_json() for step in plan.steps],
            "dropped": [
                {"tensor": each.name, "reason": each.reason} for each in plan.dropped
            ],
            "missing": list(plan.missing),
            "left_over": list(plan.left_over),
            "errors": [
                {"code": each.code, "message": each.message} for each in self.errors
            ],
        }


def compare_weights(a: ComparedModel, b: ComparedModel) -> WeightsDifference:
    """Compare two checkpoints, or plan what becomes of a checkpoint of A in B.

    Raises:
        WeightsError: A checkpoint cannot be read.
    """
    if a.weights is not None and b.weights is not None:
        return _compare_checkpoints(a, b)
    return WeightsDifference(make_plan(b.graph, _open(a)), a.weights is not None)


def _open(model: ComparedModel) -> Checkpoint:
    """The checkpoint of a model, or one of its shapes for a spec alone."""
    if model.weights is not None:
        return open_checkpoint(model.weights)
    shapes = GraphParameters(model.graph).shapes
    tensors = {n: torch.empty(shape, device="meta") for n, shape in shapes.items()}
    return Checkpoint(model.reference, "a spec", tensors)


def _compare_checkpoints(a: ComparedModel, b: ComparedModel) -> WeightsDifference:
    """Compare tensors by our names for them, whatever names the files have."""
    (ours, make), (theirs, make_other) = _tensors(a), _tensors(b)
    both = [
        name
        for name, step in ours.items()
        if name in theirs and theirs[name].shape == step.shape
    ]
    return WeightsDifference(
        tensors=tuple(_compare(name, make(name), make_other(name)) for name in both),
        only_a=tuple(name for name in ours if name not in both),
        only_b=tuple(name for name in theirs if name not in both),
    )


def _tensors(
    model: ComparedModel,
) -> tuple[dict[str, Step], Callable[[str], Tensor]]:
    """How each tensor of a model is made from its checkpoint, one at a time."""
    checkpoint = _open(model)
    plan = make_plan(model.graph, checkpoint)
    steps = {step.name: step for step in plan.steps}

    def make(name: str) -> Tensor:
        one = replace(plan, steps=(steps[name],))
        ((_, tensor),) = realise(one, checkpoint, torch.float64)
        return tensor

    return steps, make


def _compare(name: str, one: Tensor, other: Tensor) -> TensorDifference:
    shape = tuple(one.shape)
    if torch.equal(one, other):
        return TensorDifference(name, shape, is_equal=True)
    norms = one.norm().item() * other.norm().item()
    cosine = torch.vdot(one.flatten(), other.flatten()).item() / (norms or math.nan)
    relative = (other - one).norm().item() / (one.norm().item() or math.nan)
    numbers = (each if math.isfinite(each) else None for each in (relative, cosine))
    return TensorDifference(name, shape, False, *numbers)  # noqa: FBT003  -- by position
