"""Rules on settings that have no effect."""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from deit_spec.diagnostics import diagnose
from deit_spec.recipe.augmentation_settings import Augmentation
from deit_spec.recipe.loss_settings import Loss
from deit_spec.recipe.recipe_names import RECIPE
from deit_spec.recipe.rules.rule_context import RuleContext, in_spec
from deit_spec.spec.rules import Findings
from deit_spec.yaml_source.scalars import value_text

_NOT_ON_DIGITS: Final = (
    ("augmentation", "crop"),
    ("augmentation", "policy"),
    ("augmentation", "rand_augment"),
    ("augmentation", "flip"),
    ("augmentation", "color_jitter"),
    ("data", "classes"),
)
_ON_DIGITS: Final = (("augmentation", "shift"), ("augmentation", "rotate"))


def settings_have_effect(context: RuleContext) -> Findings:
    """DS512: a setting that has no effect, unless it is off or at its default."""
    kinds = (_without_effect, _unused_data, _unused_permissions)
    for section, name, why in chain.from_iterable(each(context) for each in kinds):
        field = f"{section}.{name}"
        value = getattr(getattr(context.recipe, section), name)
        if _is_on(value, RECIPE.default_of((section, name))) and context.spans.wrote(
            field
        ):
            yield diagnose(
                "DS512",
                f"{field} has no effect {why}",
                context.label(field, "no effect"),
                helps=[f"leave `{field}` out"],
            )


def _is_on(value: object, default: object) -> bool:
    if value in (default, None, "none"):  # it may be a mapping
        return False
    return bool(value) or default is None


def _without_effect(context: RuleContext) -> Iterator[tuple[str, str, str]]:
    recipe = context.recipe
    yield from _unused_loss(recipe.loss)
    if recipe.teacher is not None:
        if recipe.teacher.builtin != "digits_convnet":
            yield "teacher", "steps", "without digits_convnet"
        elif recipe.teacher.weights is not None:
            yield "teacher", "steps", "as the teacher has weights"
        if context.kind == "spec":
            yield "teacher", "num_classes", "with a spec, which has its own"
    names = _NOT_ON_DIGITS if context.is_digits else _ON_DIGITS
    for section, name in names if context.source is not None else ():
        where = "on digits" if context.is_digits else "on images other than digits"
        yield section, name, where
    if not context.is_digits:
        yield from _unused_augmentation(recipe.augmentation)
    yield from _of_another_optimizer(context)
    yield from _of_more_than_heads(context)
    yield from _of_one_evaluation(context)
    if not (recipe.augmentation.mixup and recipe.augmentation.cutmix):
        yield "augmentation", "mix_switch", "without both mixup and cutmix"


def _unused_loss(loss: Loss) -> Iterator[tuple[str, str, str]]:
    if loss.kind == "none":
        yield "loss", "alpha", "with loss.kind none"
    if loss.kind != "soft":
        yield "loss", "tau", f"with loss.kind {loss.kind}"
    if loss.labels != "bce":
        yield "loss", "bce_target_threshold", f"with loss.labels {loss.labels}"


def _unused_augmentation(
    augmentation: Augmentation,
) -> Iterator[tuple[str, str, str]]:
    """What the policy and the crop leave out, of images other than digits."""
    policy = augmentation.chosen_policy
    if policy == "rand_augment":
        yield "augmentation", "color_jitter", "with rand_augment"
    else:
        yield "augmentation", "rand_augment", f"with augmentation.policy {policy}"
    if augmentation.crop == "simple":
        yield "augmentation", "crop_scale", "with augmentation.crop simple"


def _unused_data(context: RuleContext) -> Iterator[tuple[str, str, str]]:
    if context.is_digits:
        yield "data", "train", "on digits, which have no splits"
        yield "data", "val", "on digits, which have no splits"
    if context.source in {"builtin", "folder"}:
        yield "data", "columns", "without data.dataset"


def _of_more_than_heads(context: RuleContext) -> Iterator[tuple[str, str, str]]:
    if context.recipe.student.train == "heads":
        yield "optimizer", "layer_decay", "with student.train heads"
        yield "run", "gradient_checkpointing", "with student.train heads"


def _of_another_optimizer(context: RuleContext) -> Iterator[tuple[str, str, str]]:
    name = context.recipe.optimizer.name
    for field in ("betas", "eps") if name == "sgd" else ("momentum",):
        yield "optimizer", field, f"with optimizer.name {name}"


def _unused_permissions(context: RuleContext) -> Iterator[tuple[str, str, str]]:
    if context.recipe.student.weights is None:
        yield "student", "allow", "without student.weights"


def _of_one_evaluation(context: RuleContext) -> Iterator[tuple[str, str, str]]:
    """What compares evaluations, if there is only one."""
    every, steps = context.recipe.run.evaluate_every, context.recipe.schedule.steps
    if steps is not None and (every is None or every >= steps):
        for name in ("keep", "patience"):
            yield "run", name, "with a single evaluation, at the end"


def teacher_is_used(context: RuleContext) -> Findings:
    """DS504: a teacher that is not used is most likely a mistake."""
    if context.recipe.teacher is None or context.learns:
        return
    yield context.spans.finding(
        "DS504",
        "the teacher has no effect with loss.kind none",
        "`loss.kind: hard`, or leave `teacher` out",
        ("loss.kind", "no teacher is used", "none"),
        ("teacher", "a teacher", None),
    )


def drop_path_is_kept(context: RuleContext) -> Findings:
    """DS519: a default does not silently replace what a spec says."""
    spec, rate = context.student, context.recipe.augmentation.drop_path
    own_spec, field = context.checked.student, "variant.drop_path"
    labels = in_spec(own_spec, field, "not used in training")
    if spec is None or not labels or context.spans.wrote("augmentation.drop_path"):
        return
    own = spec.variant.drop_path
    if rate is None or own == rate:
        return
    yield diagnose(
        "DS519",
        f"augmentation.drop_path {value_text(rate)} replaces "
        f"the student's {value_text(own)}",
        context.label("student.spec", f"drop_path {value_text(own)}"),
        secondary=labels,
        notes=[f"`augmentation.drop_path` is {value_text(rate)} by default"],
        helps=[f"`augmentation.drop_path: null`, or `{value_text(rate)}`"],
    )
