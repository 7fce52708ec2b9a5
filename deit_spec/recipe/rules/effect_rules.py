"""Settings that are written and change nothing."""

from collections.abc import Iterator

from deit_spec.diagnostics import Diagnostic, Label, diagnose
from deit_spec.recipe.recipe_names import SECTIONS
from deit_spec.recipe.rules.rule_context import Given, in_spec
from deit_spec.spec.field_spans import Findings
from deit_spec.yaml_source.scalars import value_text


def settings_have_effect(given: Given) -> Findings:
    """DS512: what is off, or as it is by default, is not meant."""
    for field, why in (*_of_loss(given), *_of_teacher(given), *_of_data(given)):
        yield from _if_written(given, field, why)
    for field, why in _of_augmentation(given):
        if _value(given, field):
            yield from _if_written(given, field, why)


def drop_path_is_kept(given: Given) -> Findings:
    """DS519: a default does not silently replace what a spec says."""
    student, rate = given.checked.student, given.recipe.augmentation.drop_path
    if given.places.wrote("augmentation.drop_path") or rate is None:
        return
    spec = given.student
    labels = in_spec(student, "variant.drop_path", "is not what it is trained with")
    if spec is None or not labels or spec.variant.drop_path == rate:
        return
    own = spec.variant.drop_path
    yield diagnose(
        "DS519",
        f"augmentation.drop_path {value_text(rate)} replaces "
        f"the student's {value_text(own)}",
        Label(given.places.value("student.spec"), f"drop_path {value_text(own)}"),
        secondary=labels,
        notes=[f"`augmentation.drop_path` is {value_text(rate)} by default"],
        helps=[f"`augmentation.drop_path: null`, or `{value_text(rate)}`"],
    )


def _of_loss(given: Given) -> Iterator[tuple[str, str]]:
    kind = given.recipe.loss.kind
    if not given.learns:
        yield "loss.alpha", "with loss.kind none"
    if kind != "soft":
        yield "loss.tau", f"with loss.kind {kind}"


def _of_teacher(given: Given) -> Iterator[tuple[str, str]]:
    teacher, kind = given.recipe.teacher, given.kind
    if teacher is None or kind is None:
        return
    if teacher.builtin != "digits_convnet":
        yield "teacher.steps", "without digits_convnet"
    elif teacher.weights is not None:
        yield "teacher.steps", "where the teacher has weights"
    if teacher.builtin is not None:
        for name in ("image_size", "mean", "std"):
            yield f"teacher.{name}", f"with {teacher.builtin}"
    if teacher.builtin == "true_labels":
        yield "teacher.weights", "with true_labels"
    if kind == "python":
        yield "teacher.weights", "with a function, which loads its own"


def _of_data(given: Given) -> Iterator[tuple[str, str]]:
    if given.is_digits:
        yield "data.workers", "with digits, which stay in memory"
        yield "data.unreadable", "with digits, which stay in memory"
    if given.images is not None and given.images.val is not None:
        yield "data.split_seed", "where the folder has `val`"
        yield "data.val_images", "where the folder has `val`"


def _of_augmentation(given: Given) -> Iterator[tuple[str, str]]:
    augmentation = given.recipe.augmentation
    if given.is_digits:
        for name in ("rand_augment", "flip", "color_jitter"):
            yield f"augmentation.{name}", "on digits"
    elif given.source is not None:
        for name in ("shift", "rotate"):
            yield f"augmentation.{name}", "on images other than digits"
        if augmentation.rand_augment is not None:
            yield "augmentation.color_jitter", "beside rand_augment"
    if not (augmentation.mixup and augmentation.cutmix):
        yield "augmentation.mix_switch", "without both mixup and cutmix"


def _value(given: Given, field: str) -> object:
    section, name = field.split(".")
    return getattr(getattr(given.recipe, section), name)


def _default(field: str) -> object:
    """What a field is where nothing is written; None for what has to be."""
    section, name = field.split(".")
    return SECTIONS[section].model_fields[name].default


def _if_written(given: Given, field: str, why: str) -> Iterator[Diagnostic]:
    if not given.places.wrote(field) or _value(given, field) == _default(field):
        return
    yield diagnose(
        "DS512",
        f"{field} has no effect {why}",
        Label(given.places.value(field), "no effect"),
        helps=[f"leave `{field}` out"],
    )
