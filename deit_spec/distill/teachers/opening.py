"""From a recipe to its teacher."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from deit_spec.distill.data.base import Data
from deit_spec.distill.data.digits import Digits
from deit_spec.distill.problems import DataError, recipe_of, refuse, student_of
from deit_spec.distill.teachers.base import Teacher, TrueLabels, View
from deit_spec.distill.teachers.code import code_network
from deit_spec.distill.teachers.convnet import (
    load_convnet,
    save_convnet,
    train_convnet,
)
from deit_spec.distill.teachers.spec_model import spec_network
from deit_spec.distill.teachers.timm_model import timm_network
from deit_spec.weights import WeightsError

if TYPE_CHECKING:
    from deit_spec.recipe import CheckedRecipe

FILE = "teacher.safetensors"
"""What a teacher that is trained on the spot is called in the folder of a run."""


class Made(NamedTuple):
    """A network, and how it wants its images; None is as the student does."""

    network: nn.Module
    field: str
    """Where the recipe says what it is."""
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    size: int | None = None
    channels: int | None = None


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
        DataError: There is no such teacher, or its classes are not the student's.
        MissingPackageError: A package that it needs is not installed.
        OSError: What was trained cannot be saved.
    """
    recipe, student = recipe_of(checked), student_of(checked)
    if recipe.loss.kind == "none" or recipe.teacher is None:
        return None
    if recipe.teacher.builtin == "true_labels":
        _require_classes(checked, "teacher.builtin", len(data.classes))
        return TrueLabels(len(data.classes)).to(device)
    made = _make(checked, data, folder, allow_code=allow_code)
    ask = recipe.teacher
    own = View(
        ask.mean or made.mean or data.mean,
        ask.std or made.std or data.std,
        made.size or ask.image_size or student.image_size,
    )
    ours = View(data.mean, data.std, student.image_size)
    if made.channels not in (None, student.in_channels):
        raise refuse(
            checked,
            made.field,
            "DS527",
            f"the teacher takes {_channels(made.channels)}, and the student's images "
            f"have {student.in_channels}",
        )
    teacher = Teacher(made.network, 0, student=ours, own=own).to(device)
    teacher.classes = _classes_of(checked, made.field, teacher)
    _require_classes(checked, made.field, teacher.classes)
    return teacher


def _make(
    checked: "CheckedRecipe", data: Data, folder: Path, *, allow_code: bool
) -> Made:
    ask = recipe_of(checked).teacher
    assert ask is not None
    weights = checked.place(ask.weights) if ask.weights else None
    classes = ask.num_classes or len(data.classes)
    if ask.timm:
        found = timm_network(checked, ask.timm, weights, classes)
        return Made(
            found.network,
            "teacher.timm",
            found.mean,
            found.std,
            found.fixed_size,
            found.channels,
        )
    if ask.spec:
        spec = checked.teacher.spec
        return Made(
            spec_network(spec, weights),
            "teacher.spec",
            size=spec.image_size,
            channels=spec.in_channels,
        )
    if ask.python:
        network = code_network(checked, ask.python, classes, allow_code=allow_code)
        return Made(network, "teacher.python")
    return _convnet(checked, data, weights, folder / FILE)
