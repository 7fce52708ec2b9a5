"""How the tensors of two checkpoints differ."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from deit_spec.graph import LayerGraph
from deit_spec.weights import Step, make_plan, open_checkpoint, realise


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


def compare_tensors(
    a: tuple[LayerGraph, Path], b: tuple[LayerGraph, Path]
) -> tuple[tuple[TensorDifference, ...], tuple[str, ...], tuple[str, ...]]:
    """Compare tensors by our names for them, whatever names the files have.

    Each side is a graph, and the weights for it. Returns the tensors of both, and the
    names of those that the other side does not have in this shape.

    Raises:
        WeightsError: A checkpoint cannot be read.
    """
    (ours, make), (theirs, make_other) = _tensors(*a), _tensors(*b)
    both = [
        name
        for name, step in ours.items()
        if name in theirs and theirs[name].shape == step.shape
    ]
    return (
        tuple(_compare(name, make(name), make_other(name)) for name in both),
        tuple(name for name in ours if name not in both),
        tuple(name for name in theirs if name not in both),
    )


def _tensors(
    graph: LayerGraph, path: Path
) -> tuple[dict[str, Step], Callable[[str], Tensor]]:
    """How each tensor of a model is made from its checkpoint, one at a time."""
    checkpoint = open_checkpoint(path)
    plan = make_plan(graph, checkpoint)
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
