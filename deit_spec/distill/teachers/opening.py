"""From a recipe to its teacher."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from deit_spec.distill.data.base import Data
from deit_spec.distill.extra import MissingPackageError
from deit_spec.distill.problems import (
    DataError,
    recipe_of,
    refuse,
    student_of,
    unusable,
)
from deit_spec.distill.teachers.base import Made, Teacher, TrueLabels, View
from deit_spec.distill.teachers.builtin import digits_convnet
from deit_spec.distill.teachers.code import code_network
from deit_spec.distill.teachers.spec_model import spec_network
from deit_spec.distill.teachers.timm_model import timm_network
from deit_spec.recipe import late

if TYPE_CHECKING:
    from deit_spec.recipe import CheckedRecipe
    from deit_spec.recipe.recipe_schema import Teacher as Asked


def open_teacher(
    checked: "CheckedRecipe",
    data: Data,
    *,
    folder: Path,
    allow_code: bool = False,
    device: torch.device | str = "cpu",
) -> Teacher | None:
    """Open the teacher of a recipe; None where nothing is learned from one.

    Args:
        checked: The recipe, without errors.
        data: Its images.
        folder: The run's, where `digits_convnet` is saved, and found when it goes on.
        allow_code: Whether `teacher.python` may be run.
        device: Where the teacher is put.

    Raises:
        DataError: There is no such teacher, or its classes are not the student's, or
            a package that it needs is not installed.
        OSError: What was trained cannot be saved.
    """
    recipe = recipe_of(checked)
    asked = recipe.teacher
    if recipe.loss.kind == "none" or asked is None:
        return None
    if asked.builtin == "true_labels":
        teacher: Teacher = TrueLabels(len(data.classes))
    else:
        try:
            made = _make(checked, asked, data, folder, allow_code=allow_code)
        except MissingPackageError as error:
            found = late.missing_package(
                checked, field_of(asked), error.package, error.reason
            )
            raise DataError((found,)) from None
        teacher = _as_teacher(checked, asked, made, data)
    teacher = teacher.to(device)
    if not isinstance(teacher, TrueLabels):
        teacher.classes = _count_classes(checked, asked, teacher)
    _require_same(checked, asked, teacher.classes)
    return teacher


def _make(
    checked: "CheckedRecipe",
    asked: "Asked",
    data: Data,
    folder: Path,
    *,
    allow_code: bool,
) -> Made:
    weights = checked.place(asked.weights) if asked.weights else None
    classes = asked.num_classes or len(data.classes)
    if asked.timm:
        return timm_network(checked, asked.timm, weights, classes)
    if asked.python:
        return code_network(checked, asked.python, classes, allow_code=allow_code)
    if asked.builtin:
        return digits_convnet(checked, data, weights, folder)
    return spec_network(checked, weights)


def _as_teacher(
    checked: "CheckedRecipe", asked: "Asked", made: Made, data: Data
) -> Teacher:
    student = student_of(checked)
    if made.channels not in (None, student.in_channels):
        raise refuse(
            checked,
            field_of(asked),
            "DS511",
            f"the teacher takes {made.channels} channels, the student "
            f"{student.in_channels}",
        )
    wanted = made.size or asked.image_size or student.image_size
    if asked.image_size not in (None, wanted):
        raise refuse(
            checked,
            "teacher.image_size",
            "DS511",
            f"the teacher takes image_size {wanted} alone, not {asked.image_size}",
        )
    return Teacher(
        made.network,
        student=View(data.mean, data.std, student.image_size),
        own=View(
            asked.mean or made.mean or data.mean,
            asked.std or made.std or data.std,
            wanted,
        ),
    )


def _count_classes(checked: "CheckedRecipe", asked: "Asked", teacher: Teacher) -> int:
    """Show it two images, and see how many logits it has for each."""
    student = student_of(checked)
    side, seen = student.image_size, teacher.size
    like = teacher.scale
    images = torch.zeros(2, student.in_channels, side, side, device=like.device)
    labels = torch.zeros(2, dtype=torch.long, device=like.device)
    field = field_of(asked)
    try:
        said: object = teacher(images, labels)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        shown = f"{student.in_channels} channels of {seen}×{seen}"
        message = f"of {shown} it makes {type(error).__name__}: {reason}"
        raise unusable(checked, field, message) from error
    if not isinstance(said, torch.Tensor):
        kind = type(said).__name__
        raise unusable(
            checked, field, f"it returns something of type {kind}, not a tensor [B, T]"
        )
    if said.ndim != 2 or len(said) != len(images):  # noqa: PLR2004  -- [B, T]
        shape = list(said.shape)
        message = f"it returns a tensor {shape} of 2 images, not [2, T]"
        raise unusable(checked, field, message)
    return said.shape[1]


def _require_same(checked: "CheckedRecipe", asked: "Asked", classes: int) -> None:
    """See that what learns from the teacher has its classes."""
    student = student_of(checked)
    own = student.has_two_heads
    heads = student.teacher_num_classes if own else student.num_classes
    if heads != classes:
        found = late.other_teacher_classes(checked, field_of(asked), classes)
        raise DataError((found,))


def field_of(asked: "Asked") -> str:
    """The field of the recipe that says what the teacher is."""
    kinds = ("timm", "spec", "python", "builtin")
    return next(f"teacher.{kind}" for kind in kinds if getattr(asked, kind))
