"""Heads, data and teacher agree on how many classes there are."""

import re
from collections.abc import Iterator
from typing import Final

from deit_spec.diagnostics import Label, diagnose
from deit_spec.recipe.rules.rule_context import Given, in_spec
from deit_spec.spec.field_spans import Findings
from deit_spec.yaml_source.scalars import value_text

IMAGENET: Final = 1000
_OTHERS: Final = re.compile(r"in(21|22|12)k$|in22ft|inat|laion|openai|mim|dino|mae")
"""Ends of timm's names of weights that were trained for other classes than 1000."""


def student_has_classes(given: Given) -> Findings:
    """DS508: labels are learned by a class head."""
    student = given.student
    if student is None or student.num_classes is not None:
        return
    classes = given.data_classes
    yield diagnose(
        "DS508",
        "the student has no class head",
        Label(given.places.value("student.spec"), "no `num_classes`"),
        secondary=in_spec(given.checked.student, "num_classes", "here"),
        helps=[f"`num_classes: {classes or IMAGENET}` in the spec of the student"],
    )


def head_fits_data(given: Given) -> Findings:
    """DS509: the class head has a logit for each class of the data."""
    student, classes = given.student, given.data_classes
    if student is None or student.num_classes is None or classes is None:
        return
    heads = student.num_classes
    if heads == classes:
        return
    yield diagnose(
        "DS509",
        f"the class head has {heads} classes, and the data have {classes}",
        Label(given.places.value("student.spec"), f"{heads} classes"),
        secondary=[
            *in_spec(given.checked.student, "num_classes", "here"),
            Label(given.places.value(f"data.{given.source}"), f"{classes} classes"),
        ],
        helps=[f"`num_classes: {classes}` in the spec of the student"],
    )


def head_fits_teacher(given: Given) -> Findings:
    """DS510: what learns from the teacher has a logit for each of its classes."""
    student, teacher = given.student, given.recipe.teacher
    if student is None or teacher is None or not given.learns:
        return
    has_own = student.has_two_heads
    head = "the distillation head" if has_own else "the only head"
    field = "teacher_num_classes" if has_own else "num_classes"
    heads = getattr(student, field)
    found = _teacher_classes(given)
    if heads is None or found is None or found[0] == heads:
        return
    if not has_own and given.data_classes not in (None, heads):  # DS509 says so
        return
    classes, label, notes = found
    yield diagnose(
        "DS510",
        f"{head} has {heads} classes, and the teacher has {classes}",
        label,
        secondary=[
            Label(given.places.value("student.spec"), f"{heads} classes"),
            *in_spec(given.checked.student, field, "here"),
        ],
        notes=notes,
        helps=list(_helps(given, field, classes, heads)),
    )


def teacher_says_its_classes(given: Given) -> Findings:
    """DS510: `num_classes` is not another number than the teacher's spec has."""
    teacher, spec = given.recipe.teacher, given.teacher
    if (
        teacher is None
        or spec is None
        or None in (teacher.num_classes, spec.num_classes)
    ):
        return
    if teacher.num_classes == spec.num_classes:
        return
    yield diagnose(
        "DS510",
        f"teacher.num_classes is {teacher.num_classes}, "
        f"and the spec of the teacher has {spec.num_classes}",
        Label(given.places.value("teacher.num_classes")),
        secondary=[
            Label(given.places.value("teacher.spec"), f"{spec.num_classes} classes"),
            *in_spec(given.checked.teacher, "num_classes", "here"),
        ],
        helps=["leave `teacher.num_classes` out"],
    )


def every_head_that_answers_learns(given: Given) -> Findings:
    """DS529: what `predict` says is not mixed with a head that stays as it was drawn.

    With weights, which may hold a head that has learned, nothing is known.
    """
    student, loss = given.student, given.recipe.loss
    if student is None or given.recipe.student.weights is not None:
        return
    fusion, field = student.variant.fusion, "alpha" if given.learns else "kind"
    if not student.has_two_heads or fusion == "cls" or (given.learns and loss.alpha):
        return
    help_ = "a student without `teacher_num_classes`"
    yield diagnose(
        "DS529",
        f"the distillation head learns nothing with loss.{field} "
        f"{value_text(getattr(loss, field))}, and is part of every answer",
        Label(given.places.value(f"loss.{field}"), "no teacher is learned from"),
        secondary=[
            Label(given.places.value("student.spec"), f"variant.fusion {fusion}"),
            *in_spec(given.checked.student, "teacher_num_classes", "the head"),
        ],
        notes=["the head stays as it was drawn, and `predict` joins it to the other"],
        helps=[f"`fusion: cls` under `variant` in the spec of the student, or {help_}"],
    )


def _teacher_classes(given: Given) -> tuple[int, Label, list[str]] | None:
    """The classes of a teacher, where that is said, and what says so.

    A model of timm has the 1000 of ImageNet where it brings its own weights and
    its name does not tell of others; of a checkpoint that is opened later, or a
    function that is called later, nothing is known.
    """
    teacher, kind = given.recipe.teacher, given.kind
    if teacher is None or kind is None:
        return None
    field, classes, notes = kind, None, list[str]()
    if kind == "spec":
        classes = given.teacher.num_classes if given.teacher else None
    elif teacher.num_classes is not None:
        field, classes = "num_classes", teacher.num_classes
    elif kind == "builtin":
        classes = given.data_classes
        notes = ["it tells the classes of the data apart"]
    elif kind == "timm" and teacher.weights is None and not _is_other(teacher.timm):
        classes = IMAGENET
        notes = ["timm's own weights are for the 1000 classes of ImageNet"]
    if classes is None:
        return None
    label = Label(given.places.value(f"teacher.{field}"), f"{classes} classes")
    return classes, label, notes


def _is_other(name: str | None) -> bool:
    return bool(name and _OTHERS.search(name) and not name.endswith("1k"))


def _helps(given: Given, field: str, classes: int, heads: int) -> Iterator[str]:
    teacher = given.recipe.teacher
    help_ = f"`{field}: {classes}` in the spec of the student"
    is_said = teacher is not None and teacher.num_classes is not None
    if is_said and given.kind != "spec":
        help_ = f"`teacher.num_classes: {heads}`, or {help_}"
    yield help_
