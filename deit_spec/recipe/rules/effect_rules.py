"""Rules on settings that have no effect."""

from collections.abc import Iterator

from deit_spec.diagnostics import Diagnostic, diagnose
from deit_spec.recipe.recipe_names import SECTIONS
from deit_spec.recipe.rules.rule_context import RuleContext, in_spec
from deit_spec.spec.field_spans import Findings
from deit_spec.yaml_source.scalars import value_text


def settings_have_effect(context: RuleContext) -> Findings:
    """DS512: a setting that has no effect, unless it is off or at its default."""
    for field, why in (*_of_loss(context), *_of_teacher(context), *_of_data(context)):
        yield from _if_written(context, field, why)
    for field, why in _of_augmentation(context):
        if _value(context, field):
            yield from _if_written(context, field, why)


def drop_path_is_kept(context: RuleContext) -> Findings:
    """DS519: a default does not silently replace what a spec says."""
    student, rate = context.checked.student, context.recipe.augmentation.drop_path
    if context.spans.wrote("augmentation.drop_path") or rate is None:
        return
    spec = context.student
    labels = in_spec(student, "variant.drop_path", "not used in training")
    if spec is None or not labels or spec.variant.drop_path == rate:
        return
    own = spec.variant.drop_path
    yield diagnose(
        "DS519",
        f"augmentation.drop_path {value_text(rate)} replaces "
        f"the student's {value_text(own)}",
        context.label("student.spec", f"drop_path {value_text(own)}"),
        secondary=labels,
        notes=[f"`augmentation.drop_path` is {value_text(rate)} by default"],
        helps=[f"`augmentation.drop_path: null`, or `{value_text(rate)}`"],
    )


def _of_loss(context: RuleContext) -> Iterator[tuple[str, str]]:
    kind = context.recipe.loss.kind
    if not context.learns:
        yield "loss.alpha", "with loss.kind none"
    if kind != "soft":
        yield "loss.tau", f"with loss.kind {kind}"


def _of_teacher(context: RuleContext) -> Iterator[tuple[str, str]]:
    teacher, kind = context.recipe.teacher, context.kind
    if teacher is None or kind is None:
        return
    if teacher.builtin != "digits_convnet":
        yield "teacher.steps", "without digits_convnet"
    elif teacher.weights is not None:
        yield "teacher.steps", "as the teacher has weights"
    if teacher.builtin is not None:
        for name in ("image_size", "mean", "std"):
            yield f"teacher.{name}", f"with {teacher.builtin}"
    if teacher.builtin == "true_labels":
        yield "teacher.weights", "with true_labels"
    if kind == "python":
        yield "teacher.weights", "with a function, which loads its own"


def _of_data(context: RuleContext) -> Iterator[tuple[str, str]]:
    if context.is_digits:
        yield "data.workers", "with digits, which are in memory"
        yield "data.unreadable", "with digits, which are in memory"
    if context.images is not None and context.images.val is not None:
        yield "data.split_seed", "as the folder has `val`"
        yield "data.val_images", "as the folder has `val`"


def _of_augmentation(context: RuleContext) -> Iterator[tuple[str, str]]:
    augmentation = context.recipe.augmentation
    if context.is_digits:
        for name in ("rand_augment", "flip", "color_jitter"):
            yield f"augmentation.{name}", "on digits"
    elif context.source is not None:
        for name in ("shift", "rotate"):
            yield f"augmentation.{name}", "on images other than digits"
        if augmentation.rand_augment is not None:
            yield "augmentation.color_jitter", "with rand_augment"
    if not (augmentation.mixup and augmentation.cutmix):
        yield "augmentation.mix_switch", "without both mixup and cutmix"


def _value(context: RuleContext, field: str) -> object:
    section, name = field.split(".")
    return getattr(getattr(context.recipe, section), name)


def _default(field: str) -> object:
    """The default of a field; None for a required one."""
    section, name = field.split(".")
    return SECTIONS[section].model_fields[name].default


def _if_written(context: RuleContext, field: str, why: str) -> Iterator[Diagnostic]:
    if not context.spans.wrote(field) or _value(context, field) == _default(field):
        return
    yield diagnose(
        "DS512",
        f"{field} has no effect {why}",
        context.label(field, "no effect"),
        helps=[f"leave `{field}` out"],
    )
