"""The weights that a student starts from: whether they fit, and how they are used."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import nn

from deit_spec.diagnostics import Diagnostic, Label
from deit_spec.diagnostics.printable import listed
from deit_spec.distill.runtime_errors import recipe_of
from deit_spec.graph import Target
from deit_spec.model.class_names import class_names_of_weights, match_model_classes
from deit_spec.passes import PassOptions
from deit_spec.pipeline import Compiled, finish
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.checked_recipe import named
from deit_spec.recipe.class_matching import Relation
from deit_spec.recipe.data_classes import class_names_of
from deit_spec.recipe.rules.class_rules import untrained_head
from deit_spec.recipe.rules.rule_context import in_spec
from deit_spec.spec.spec_validation import first_of
from deit_spec.spec.weight_permissions import PERMISSIONS
from deit_spec.weights import (
    Checkpoint,
    Kind,
    Plan,
    WeightsError,
    allowed,
    fill,
    find_forbidden,
    make_plan,
    open_checkpoint,
    with_new_heads,
)
from deit_spec.weights.naming_schemes import HEADS
from deit_spec.weights.plan import OTHER_CLASSES

_AS_TRAINED: Final = (Target.TRAIN, PassOptions(taps=()))


@dataclass(frozen=True)
class WarmStart:
    """The weights that a student starts from, and the plan for its tensors.

    `sorted_heads` are the tensors of heads that are taken with their classes in the
    order of `indices`. `warnings` are about the weights, and about new heads.
    """

    checkpoint: Checkpoint
    plan: Plan
    sorted_heads: tuple[str, ...] = ()
    indices: tuple[int, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()

    def build(self, compiled: Compiled) -> nn.Module:
        """Build the student in float32 on the CPU."""
        student = fill(
            compiled.source,
            compiled.graph.name,
            self.plan,
            self.checkpoint,
            device="cpu",
            dtype="float32",
        )
        with torch.no_grad():
            for name in self.sorted_heads:
                parameter = student.get_parameter(name)
                parameter.copy_(parameter[list(self.indices)])
        return student

    def messages(self) -> Iterator[str]:
        """The tensors that are changed or not taken, a line for each reason."""
        tensors: dict[tuple[str, str], list[str]] = {}
        for step in self.plan.steps:
            if step.needs:
                tensors.setdefault((step.kind.value, step.reason), []).append(step.name)
        for (kind, reason), names in tensors.items():
            yield f"{listed(names)} {kind}: {reason}"
        if self.sorted_heads:
            yield f"{listed(self.sorted_heads)} sorted as the classes of the data"

    def summary(self) -> str:
        """The number of tensors of each fate, with the reasons for changes."""
        reasons: dict[str, list[str]] = {}
        for step in self.plan.steps:
            reasons.setdefault(step.kind.value, []).append(step.reason)
        parts = []
        for fate, count in self.plan.counts().items():
            why = "; ".join(filter(None, dict.fromkeys(reasons.get(fate, ()))))
            parts.append(f"{count} {fate} ({why})" if why else f"{count} {fate}")
        return ", ".join(parts)


def plan_warm_start(
    checked: CheckedRecipe, classes: Sequence[str] | None
) -> WarmStart | None:
    """Plan how `student.weights` are used; None if the student has none.

    `classes` are those of the data, or None if they are not known. Heads of the same
    classes in another order are sorted, and heads of other classes are new.

    Raises WeightsError if the weights cannot be read, do not fit, or need a change that
    `student.allow` does not allow.
    """
    settings = recipe_of(checked).student
    if settings.weights is None:
        return None
    assert checked.student is not None  # noqa: S101  -- the recipe has no errors
    path, graph = checked.place(settings.weights), finish(checked.student, *_AS_TRAINED)
    try:
        checkpoint = open_checkpoint(path)
        start = WarmStart(checkpoint, make_plan(graph, checkpoint))
    except WeightsError as error:
        raise WeightsError(_in_recipe(checked, error.diagnostics)) from None
    names = class_names_of_weights(path)
    if names is not None and classes is not None:
        taken = tuple(_heads_of_classes(start.plan, len(names)))
        match = match_model_classes(classes, names)
        if taken and match.relation is Relation.PERMUTATION:
            start = replace(start, sorted_heads=taken, indices=match.indices)
        elif taken and match.relation is not Relation.IDENTICAL:
            start = replace(start, plan=with_new_heads(start.plan, graph, taken))
    _require_allowed(checked, start.plan, names, classes)
    warnings = _in_recipe(checked, start.plan.diagnostics)
    if "head_dist.weight" in _new_heads(start.plan):
        warnings += untrained_head(checked, recipe_of(checked))
    return replace(start, warnings=tuple(warnings))


def check_warm_start(checked: CheckedRecipe) -> tuple[CheckedRecipe, str | None]:
    """Add the findings about the weights of a student; and say what it starts from."""
    try:
        start = plan_warm_start(checked, class_names_of(checked))
    except WeightsError as error:
        found = first_of([*checked.diagnostics, *error.diagnostics])
        return replace(checked, recipe=None, diagnostics=found), None
    if start is None:
        return checked, None
    found = first_of([*checked.diagnostics, *start.warnings])
    text = f"starts from {recipe_of(checked).student.weights}: {start.summary()}"
    return replace(checked, diagnostics=found), text


def _heads_of_classes(plan: Plan, classes: int) -> Iterator[str]:
    """The tensors of heads that are taken with this number of classes."""
    for step in plan.steps:
        is_new = step.kind is Kind.REINITIALISED
        if step.name.startswith(HEADS) and not is_new and step.shape[0] == classes:
            yield step.name


def _new_heads(plan: Plan) -> list[str]:
    """The tensors of heads that do not start from the weights."""
    return [step.name for step in plan.steps if step.kind is Kind.REINITIALISED]


def _require_allowed(
    checked: CheckedRecipe,
    plan: Plan,
    names: Sequence[str] | None,
    classes: Sequence[str] | None,
) -> None:
    """Check that a plan fits, and that the recipe allows what it changes."""
    permitted = allowed(allow=recipe_of(checked).student.allow)
    found = _in_recipe(checked, () if plan.reconciles else plan.diagnostics)
    needed = [each for each in PERMISSIONS if each in permitted | plan.needs]
    allow, student = checked.span("student.allow"), checked.student
    is_written = checked.document and ("student", "allow") in checked.document.spans
    for each, need in zip(
        find_forbidden(plan, permitted), sorted(plan.needs - permitted), strict=True
    ):
        reason, *_ = plan.reasons(need)
        notes = [*each.notes]
        labels = [Label(allow, f"without `{need}`")] if is_written else []
        if need == "heads":
            if reason != OTHER_CLASSES:
                labels += in_spec(student, "num_classes", "here")
            elif classes is not None:
                notes.append(f"the classes of the data are {listed(classes)}")
            if names is not None:
                notes.append(f"the classes of the weights are {listed(names)}")
        found.append(
            replace(
                each,
                primary=Label(checked.span("student.weights"), reason),
                secondary=tuple(labels),
                notes=tuple(notes),
                helps=(f"`student.allow: [{', '.join(needed)}]`",),
            )
        )
    if found:
        raise WeightsError(found)


def _in_recipe(checked: CheckedRecipe, found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Add the line of the recipe that names the weights to findings about them."""
    return [named(each, checked.span("student.weights")) for each in found]
