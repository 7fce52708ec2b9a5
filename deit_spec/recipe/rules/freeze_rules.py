"""Rules on the parts of the student that are frozen."""

from deit_spec.diagnostics import Label, diagnose
from deit_spec.recipe.rules.rule_context import RuleContext
from deit_spec.recipe.trained_parameters import (
    DISTILLATION_HEAD,
    TRAINED,
    matching,
    suggest,
    trained_names,
)
from deit_spec.spec.rules import Findings

_FREEZE = "student.freeze"


def patterns_match(context: RuleContext) -> Findings:
    """DS555: each pattern matches a parameter of the student."""
    names = _names(context)
    for index, pattern in enumerate(context.recipe.student.freeze if names else ()):
        if matching(names, [pattern]):
            continue
        yield diagnose(
            "DS555",
            f"no parameter of the student matches `{pattern}`",
            Label(context.spans.item(_FREEZE, index), "no match"),
            helps=[suggest(pattern, names)],
        )


def something_is_trained(context: RuleContext) -> Findings:
    """DS556: a parameter is left to train."""
    names, student = _names(context), context.recipe.student
    if not names or not student.freeze or trained_names(names, context.recipe):
        return
    others: list[Label] = []
    if student.train != "all":
        others.append(context.label("student.train", "all else is frozen"))
    frozen = matching(names, student.freeze)
    idle = set(matching(names, [DISTILLATION_HEAD])).difference(frozen)
    if idle and context.recipe.loss.kind == "none":
        others.append(context.label("loss.kind", "head_dist is not trained"))
    help_ = "freeze fewer parts"
    if student.train != "heads":
        help_ += "; `student.train: heads` trains only the heads"
    yield diagnose(
        "DS556",
        f"all {len(names)} parameter tensors of the student are frozen",
        context.label(_FREEZE, "nothing is left to train"),
        secondary=others,
        helps=[help_],
    )


def patterns_have_effect(context: RuleContext) -> Findings:
    """DS512: a pattern freezes what `student.train` would train."""
    names, train = _names(context), context.recipe.student.train
    selected = matching(names, TRAINED[train])
    for index, pattern in enumerate(context.recipe.student.freeze if names else ()):
        if matching(names, [pattern]) and not matching(selected, [pattern]):
            yield diagnose(
                "DS512",
                f"`{pattern}` in {_FREEZE} has no effect with student.train {train}",
                Label(context.spans.item(_FREEZE, index), "no effect"),
                helps=[f"leave `{pattern}` out"],
            )


def frozen_parts_have_weights(context: RuleContext) -> Findings:
    """DS557: a part of the student is trained alone only if the rest has weights."""
    student = context.recipe.student
    if student.train == "all" or student.weights is not None:
        return
    yield diagnose(
        "DS557",
        f"student.train is {student.train}, but the student has no weights",
        context.label("student.train", "all else keeps its random initial values"),
        helps=["`student.weights`, a checkpoint to start from"],
    )


def _names(context: RuleContext) -> list[str]:
    """The parameters of the student; none if its spec is invalid, or none is frozen."""
    student = context.recipe.student
    if context.student is None or not student.freeze:
        return []
    from deit_spec.lowering import lower  # noqa: PLC0415  -- imports networkx

    return list(lower(context.student).tensors())
