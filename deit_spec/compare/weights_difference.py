"""What becomes of the weights of a model in another, or how two checkpoints differ."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deit_spec.compare.compared_model import ComparedModel
from deit_spec.diagnostics import Diagnostic, has_errors
from deit_spec.weights import Checkpoint, Plan, make_plan
from deit_spec.weights.checkpoint import checkpoint_of_shapes
from deit_spec.weights.shape_info import GraphParameters

if TYPE_CHECKING:
    from deit_spec.compare.tensor_difference import TensorDifference


@dataclass(frozen=True)
class WeightsDifference:
    """Either the `plan` for a checkpoint of A in B, or the tensors of two checkpoints.

    `only_a` and `only_b` are tensors that the other does not have in this shape.
    `is_file` is whether the plan is for a file, not for any checkpoint of a spec.
    """

    plan: Plan | None = None
    is_file: bool = False
    tensors: "tuple[TensorDifference, ...]" = ()
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
        from deit_spec.compare.tensor_difference import compare_tensors  # noqa: PLC0415  -- torch

        tensors, only_a, only_b = compare_tensors(
            (a.graph, a.weights), (b.graph, b.weights)
        )
        return WeightsDifference(tensors=tensors, only_a=only_a, only_b=only_b)
    plan = make_plan(b.graph, _planned(a), sides=("the first", "the second"))
    return WeightsDifference(plan, a.weights is not None)


def _planned(model: ComparedModel) -> Checkpoint:
    """The checkpoint of a model, or one of its shapes for a spec alone."""
    if model.weights is None:
        shapes = GraphParameters(model.graph).shapes
        return checkpoint_of_shapes(model.reference, shapes)
    from deit_spec.weights import open_checkpoint  # noqa: PLC0415  -- torch

    return open_checkpoint(model.weights)
