"""Heads, data and teacher agree on how many classes there are."""

import re
from typing import Final

from deit_spec.diagnostics import Label, diagnose
from deit_spec.diagnostics.printable import counted, listed
from deit_spec.recipe.checked_recipe import CheckedRecipe
from deit_spec.recipe.class_matching import (
    LIST_ALL,
    Relation,
    differences,
    match_classes,
    natural_order,
)
from deit_spec.recipe.data_classes import (
    all_class_names,
    selected,
    unknown_classes,
)
from deit_spec.recipe.recipe_schema import Recipe
from deit_spec.recipe.rules.rule_context import RuleContext, in_spec
from deit_spec.spec.rules import Findings
from deit_spec.yaml_source.scalars import value_text

IMAGENET: Final = 1000
_OTHERS: Final = re.compile(r"in(21|22|12)k$|in22ft|inat|laion|openai|mim|dino|mae")
"""Tags in timm's names of weights that have other classes than the 1000."""


def student_has_classes(context: RuleContext) -> Findings:
    """DS508: the labels need a class head."""
    student = context.student
    if student is None or student.num_classes is not None:
        return
    classes = context.data_classes
    yield diagnose(
        "DS508",
        "the student has no class head",
        context.label("student.spec", "no `num_classes`"),
        secondary=in_spec(context.checked.student, "num_classes", "here"),
        helps=[set_student("num_classes", classes or IMAGENET)],
    )


def head_fits_data(context: RuleContext) -> Findings:
    """DS509: the class head has a logit for each class of the data."""
    student, classes = context.student, context.data_classes
    if student is None or student.num_classes is None or classes is None:
        return
    heads = student.num_classes
    if heads == classes:
        return
    yield diagnose(
        "DS509",
        f"the class head has {counted(heads, 'class')}, but the data has {classes:,}",
        context.label("student.spec", counted(heads, "class")),
        secondary=[
            *in_spec(context.checked.student, "num_classes", "here"),
            context.label(f"data.{context.source}", counted(classes, "class")),
        ],
        helps=[set_student("num_classes", classes)],
    )


def head_fits_teacher(context: RuleContext) -> Findings:
    """DS510: the head that learns from the teacher has its number of classes."""
    student, teacher = context.student, context.recipe.teacher
    if student is None or teacher is None or not context.learns:
        return
    has_own = student.has_two_heads
    head = "the distillation head" if has_own else "the only head"
    field = "teacher_num_classes" if has_own else "num_classes"
    heads = getattr(student, field)
    found = _teacher_classes(context)
    if heads is None or found is None or found[0] == heads:
        return
    if not has_own and context.data_classes not in (None, heads):  # this is DS509
        return
    classes, label, notes = found
    is_own = context.kind != "spec" and teacher.num_classes is not None
    own = f"`teacher.num_classes: {heads}`, or " if is_own else ""
    yield diagnose(
        "DS510",
        f"{head} has {counted(heads, 'class')}, and the teacher has {classes:,}",
        label,
        secondary=[
            context.label("student.spec", counted(heads, "class")),
            *in_spec(context.checked.student, field, "here"),
        ],
        notes=notes,
        helps=[f"{own}{set_student(field, classes)}"],
    )


def set_student(field: str, classes: int) -> str:
    """The help to set a number of classes of the student."""
    return f"`student.{field}: {classes}`, or `--set student.{field}={classes}`"


def class_list_fits_data(context: RuleContext) -> Findings:
    """DS538: `data.classes` lists each class folder once, if there is a folder."""
    names = context.recipe.data.classes
    if not isinstance(names, tuple) or context.is_digits:
        return
    folder = context.images.classes if context.images else ()
    if only := context.recipe.data.only_classes:
        folder = selected(folder, only) if folder else only
    match = match_classes(folder or tuple(dict.fromkeys(names)), names)
    if match.relation in (Relation.IDENTICAL, Relation.PERMUTATION):
        return
    yield diagnose(
        "DS538",
        "data.classes does not list each class of the data once",
        context.label("data.classes", "differs from the data"),
        secondary=[context.label("data.folder")] if folder else [],
        notes=differences(match, "the data", "data.classes"),
        helps=[LIST_ALL],
    )


def selected_classes_exist(context: RuleContext) -> Findings:
    """DS565: `data.only_classes` names classes of the data, if these are known."""
    data = context.recipe.data
    known = all_class_names(data, context.images)
    if known is not None and context.source is not None:
        yield from unknown_classes(context.checked, data, known)


def timm_order_is_folder_order(context: RuleContext) -> Findings:
    """DS540: a checkpoint of timm may have numbered classes in another order."""
    teacher, images = context.recipe.teacher, context.images
    if teacher is None or images is None or not context.learns:
        return
    is_trained_elsewhere = context.kind == "timm" and teacher.weights is not None
    counts = (None, len(images.classes))
    if not is_trained_elsewhere or teacher.num_classes not in counts:
        return
    order = natural_order(images.classes)
    if context.recipe.data.classes is not None or order == images.classes:
        return
    yield diagnose(
        "DS540",
        "timm sorts these class folders in another order",
        context.label("teacher.weights", "may be in the order of timm"),
        secondary=[context.label("data.folder", "sorted as strings")],
        notes=[
            f"sorted as strings: {listed(images.classes)}",
            f"as timm sorts them: {listed(order)}",
        ],
        helps=["list the classes in the order of the teacher as `data.classes`"],
    )


def every_used_head_is_trained(context: RuleContext) -> Findings:
    """DS529: `predict` uses no head that keeps its initial weights."""
    if context.recipe.student.weights is None:
        yield from untrained_head(context.checked, context.recipe)


def untrained_head(checked: CheckedRecipe, recipe: Recipe) -> Findings:
    """DS529: a distillation head that is random and not trained, but is used."""
    student = checked.student.spec if checked.student else None
    if student is None:
        return
    loss, fusion = recipe.loss, student.fusion
    learns = loss.kind != "none"
    field = "alpha" if learns else "kind"
    if not student.has_two_heads or fusion == "cls" or (learns and loss.alpha):
        return
    help_ = "a student without `teacher_num_classes`"
    yield diagnose(
        "DS529",
        f"the distillation head is not trained with loss.{field} "
        f"{value_text(getattr(loss, field))}, but `predict` uses it",
        Label(checked.span(f"loss.{field}"), "no teacher is used"),
        secondary=[
            Label(checked.span("student.spec"), f"variant.fusion {fusion}"),
            *in_spec(checked.student, "teacher_num_classes", "the head"),
        ],
        notes=["the head keeps its initial, random weights"],
        helps=[f"`fusion: cls` under `variant` in the spec of the student, or {help_}"],
    )


def _teacher_classes(context: RuleContext) -> tuple[int, Label, list[str]] | None:
    """The classes of a teacher, a label and notes; None if they are not known."""
    teacher, kind = context.recipe.teacher, context.kind
    if teacher is None or kind is None:
        return None
    field, classes, notes = kind, None, list[str]()
    if kind == "spec":
        classes = context.teacher.num_classes if context.teacher else None
    elif teacher.num_classes is not None:
        field, classes = "num_classes", teacher.num_classes
    elif kind == "builtin":
        classes = context.data_classes
        notes = ["it predicts the classes of the data"]
    elif kind == "timm" and teacher.weights is None and not _is_other(teacher.timm):
        classes = IMAGENET
        notes = ["timm's own weights are for the 1000 classes of ImageNet"]
    if classes is None:
        return None
    label = context.label(f"teacher.{field}", counted(classes, "class"))
    return classes, label, notes


def _is_other(name: str | None) -> bool:
    return bool(name and _OTHERS.search(name) and not name.endswith("1k"))
