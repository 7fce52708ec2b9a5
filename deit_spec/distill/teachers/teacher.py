"""A frozen teacher, and how a recipe's teacher is opened."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812  -- as everyone writes it
from torch import Tensor, nn

from deit_spec.diagnostics import Label
from deit_spec.diagnostics.printable import first_line_of, listed
from deit_spec.distill import runtime_errors as errors
from deit_spec.distill.data import Data
from deit_spec.distill.data.class_order import source_field
from deit_spec.distill.optional_packages import MissingPackageError
from deit_spec.distill.runtime_errors import recipe_of, student_of
from deit_spec.distill.teachers import teacher_networks as networks
from deit_spec.distill.teachers.digits_convnet import OnStep, digits_convnet
from deit_spec.distill.teachers.teacher_networks import TeacherNetwork
from deit_spec.model.class_names import match_model_classes
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.class_matching import Relation, differences
from deit_spec.recipe.rules.class_rules import set_student
from deit_spec.recipe.rules.rule_context import KINDS

MIN_PROBABILITY = 1e-8
"""The least probability of a class in true labels: its logarithm must be finite."""


class Input(NamedTuple):
    """The normalisation of images, and their side in pixels."""

    mean: Sequence[float]
    std: Sequence[float]
    size: int


class Teacher(nn.Module):
    """A frozen network in evaluation mode, from the images of the student to logits."""

    order: Tensor | None
    """For each class of the data, the index of the logit."""
    scale: Tensor
    shift: Tensor

    def __init__(self, network: nn.Module, *, student: Input, own: Input) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(requires_grad=False)
        self.classes = 0  # `open_teacher` sets it
        self.names: tuple[str, ...] | None = None
        self.size = own.size
        self.same = (*student.mean, *student.std) == (*own.mean, *own.std)
        columns = [torch.tensor(e).view(-1, 1, 1) for e in (*student[:2], *own[:2])]
        student_mean, student_std, mean, std = columns
        self.register_buffer("order", None, persistent=False)
        self.register_buffer("scale", student_std / std, persistent=False)
        self.register_buffer("shift", (student_mean - mean) / std, persistent=False)
        self.training = False

    @torch.no_grad()
    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Compute the logits `[B, T]` of images `[B, C, S, S]`; labels are not used."""
        inputs = images if self.same else images * self.scale + self.shift
        if images.shape[-1] != self.size:
            size = (self.size, self.size)
            inputs = F.interpolate(inputs, size, mode="bicubic", antialias=True)
        logits: Tensor = self.network(inputs)
        return logits if self.order is None else logits[:, self.order]

    def train(self, mode: bool = True) -> "Teacher":  # noqa: ARG002, FBT001, FBT002
        """Stay in evaluation mode."""
        return self


class TrueLabels(Teacher):
    """The labels as a teacher, to train a distillation token without one."""

    def __init__(self, classes: int) -> None:
        nn.Module.__init__(self)
        self.classes = classes
        self.training = False

    @torch.no_grad()
    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Compute logits `[B, T]` whose softmax is the labels, `[B]` or `[B, T]`."""
        assert labels is not None  # noqa: S101  -- see `Teacher.forward`
        if labels.ndim == 1:
            labels = F.one_hot(labels, self.classes)
        return labels.to(images.dtype).clamp_min(MIN_PROBABILITY).log()


def open_teacher(  # noqa: PLR0913  -- an argument for each thing that can differ
    checked: CheckedRecipe,
    data: Data,
    *,
    folder: Path,
    allow_code: bool = False,
    device: torch.device | str = "cpu",
    on_step: OnStep | None = None,
) -> Teacher | None:
    """Open the teacher of a recipe; None if the loss does not use one.

    `folder` is the run folder, where `digits_convnet` is saved and found. `on_step` is
    called after each step that trains it; an exception ends the training.

    Raises DataError if the teacher cannot be used or has other classes, and RunError if
    it cannot be saved.
    """
    recipe = recipe_of(checked)
    if recipe.loss.kind == "none" or recipe.teacher is None:
        return None
    if recipe.teacher.builtin == "true_labels":
        teacher: Teacher = TrueLabels(len(data.classes))
    else:
        try:
            made = _network(
                checked, data, folder, allow_code=allow_code, on_step=on_step
            )
        except MissingPackageError as error:
            field = teacher_field(checked)
            raise errors.missing_package(checked, field, error) from None
        teacher = _as_teacher(checked, made, data)
    teacher = teacher.to(device)
    if not isinstance(teacher, TrueLabels):
        teacher.classes = _count_classes(checked, teacher)
    _require_head(checked, teacher.classes)
    if not isinstance(teacher, TrueLabels):
        _match_classes(checked, teacher, data)
    return teacher


def _require_head(checked: CheckedRecipe, classes: int) -> None:
    """DS510: the head that learns from the teacher has its number of classes."""
    student = student_of(checked)
    head, name = "the only head", "num_classes"
    if student.has_two_heads:
        head, name = "the distillation head", "teacher_num_classes"
    expected = getattr(student, name)
    if classes != expected:
        raise errors.data_error(
            checked,
            teacher_field(checked),
            "DS510",
            f"{head} has {expected} classes, and the teacher has {classes}",
            label=f"{classes} classes",
            secondary=[Label(checked.span("student.spec"), f"{expected} classes")],
            help_=set_student(name, classes),
        )


def _match_classes(checked: CheckedRecipe, teacher: Teacher, data: Data) -> None:
    """Sort the logits as the classes of the data, if they have as many names."""
    names = teacher.names
    if names is None or not teacher.classes == len(names) == len(data.classes):
        return
    match = match_model_classes(data.classes, names)
    if match.relation is Relation.PERMUTATION:
        teacher.order = torch.tensor(match.indices, device=teacher.scale.device)
    elif match.relation is Relation.DIFFERENT and not recipe_of(checked).data.classes:
        lists = f"{listed(names)}, but the data has {listed(data.classes)}"
        help_ = "list the classes of the data in the order of the teacher as "
        raise errors.data_error(
            checked,
            teacher_field(checked),
            "DS538",
            f"the teacher has the classes {lists}",
            secondary=[Label(checked.span(source_field(checked)))],
            notes=differences(match, "the data", "the teacher"),
            help_=f"{help_}`data.classes`, or use a teacher of these classes",
        )


def _network(
    checked: CheckedRecipe,
    data: Data,
    folder: Path,
    *,
    allow_code: bool,
    on_step: OnStep | None,
) -> TeacherNetwork:
    settings = recipe_of(checked).teacher
    assert settings is not None  # noqa: S101  -- the caller has checked
    weights = checked.place(settings.weights) if settings.weights else None
    classes = settings.num_classes or len(data.classes)
    if settings.timm:
        return networks.timm_network(checked, settings.timm, weights, classes)
    if name := settings.python:
        return networks.code_network(checked, name, classes, allow_code=allow_code)
    if settings.builtin:
        return digits_convnet(checked, data, weights, folder, on_step)
    return networks.spec_network(checked, weights)


def _as_teacher(checked: CheckedRecipe, made: TeacherNetwork, data: Data) -> Teacher:
    settings, student = recipe_of(checked).teacher, student_of(checked)
    assert settings is not None  # noqa: S101  -- the caller has checked
    if made.channels not in (None, student.in_channels):
        takes = f"the teacher takes images of {made.channels} channels"
        message = f"{takes}, the student of {student.in_channels}"
        raise errors.data_error(checked, teacher_field(checked), "DS511", message)
    size = made.size or settings.image_size or student.image_size
    if settings.image_size not in (None, size):
        asked = settings.image_size
        message = f"the teacher accepts only image_size {size}, not {asked}"
        raise errors.data_error(checked, "teacher.image_size", "DS511", message)
    mean = settings.mean or made.mean or data.mean
    std = settings.std or made.std or data.std
    teacher = Teacher(
        made.network,
        student=Input(data.mean, data.std, student.image_size),
        own=Input(mean, std, size),
    )
    teacher.names = made.classes
    return teacher


def _count_classes(checked: CheckedRecipe, teacher: Teacher) -> int:
    """Count the logits of the teacher with a forward pass of two images."""
    student, field = student_of(checked), teacher_field(checked)
    side, device = student.image_size, teacher.scale.device
    images = torch.zeros(2, student.in_channels, side, side, device=device)
    try:
        logits: object = teacher(images)
    except Exception as error:
        shape = f"[2, {student.in_channels}, {teacher.size}, {teacher.size}]"
        reason = f"{type(error).__name__} for images {shape}: {first_line_of(error)}"
        raise errors.unusable_teacher(checked, field, reason) from error
    if not isinstance(logits, Tensor):
        reason = f"it returns {type(logits).__name__}, not a tensor [B, T]"
        raise errors.unusable_teacher(checked, field, reason)
    if logits.ndim != 2 or len(logits) != len(images):  # noqa: PLR2004  -- [B, T]
        reason = f"it returns a tensor {list(logits.shape)} for 2 images, not [2, T]"
        raise errors.unusable_teacher(checked, field, reason)
    return logits.shape[1]


def teacher_field(checked: CheckedRecipe) -> str:
    """The field of the recipe that names the teacher."""
    settings = recipe_of(checked).teacher
    return next(f"teacher.{kind}" for kind in KINDS if getattr(settings, kind))
