"""The student of a recipe: built, filled where it has weights, and written."""

from collections.abc import Iterator
from pathlib import Path

from torch import Tensor, nn

from deit_spec.atomic_write import atomic_write
from deit_spec.diagnostics import Severity
from deit_spec.distill.training.reporter import Reporter
from deit_spec.distill.training.seeds import seed_student
from deit_spec.graph import Target
from deit_spec.pipeline import compile_checked
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.run_files import WEIGHTS
from deit_spec.weights import (
    Plan,
    allowed,
    fill,
    make_plan,
    open_checkpoint,
    require,
    safetensors_file,
)
from deit_spec.weights.weight_findings import some


def open_student(checked: CheckedRecipe, reporter: Reporter) -> nn.Module:
    """Build the student, drawn by the recipe's seed, or with its weights.

    Weights may be reconciled: positions resampled, heads of other classes and a
    distillation token drawn afresh.

    Raises:
        WeightsError: The weights cannot be read, or do not fit.
    """
    assert checked.recipe is not None  # noqa: S101  -- the caller has looked
    assert checked.student is not None  # noqa: S101
    seed_student(checked.recipe.run.seed)
    compiled = compile_checked(checked.student, Target.TRAIN)
    weights = checked.recipe.student.weights
    if weights is None:
        return compiled.build(device="cpu")
    checkpoint = open_checkpoint(checked.place(weights))
    plan = make_plan(compiled.graph, checkpoint)
    require(plan, allowed(strict=False))
    for found in plan.diagnostics:
        if found.severity is not Severity.ERROR:
            reporter.said(f"{found.code}: {found.message}")
    for line in _reconciled(plan):
        reporter.said(line)
    source, name = compiled.source, compiled.graph.name
    return fill(source, name, plan, checkpoint, device="cpu", dtype="float32")


def _reconciled(plan: Plan) -> Iterator[str]:
    """Say which tensors do not begin as they are in the file, and why."""
    alike: dict[tuple[str, str], list[str]] = {}
    for step in plan.steps:
        if step.needs:
            alike.setdefault((step.kind.value, step.reason), []).append(step.name)
    for (kind, reason), names in alike.items():
        yield f"{some(names)} {kind}: {reason}"


def write_student(tensors: dict[str, Tensor], folder: Path) -> Path:
    """Write weights as `deit_spec.load` opens them, whole or not at all.

    Raises:
        OSError: They cannot be written.
    """
    path = folder / WEIGHTS
    with atomic_write(path) as file:
        safetensors_file.write(file, tensors)
    return path
