"""From a recipe to its teacher."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from deit_spec.distill.data.base import Data
from deit_spec.distill.data.digits import Digits
from deit_spec.distill.teachers.base import Teacher, TrueLabels, View
from deit_spec.distill.teachers.convnet import (
    load_convnet,
    save_convnet,
    train_convnet,
)

if TYPE_CHECKING:
    from deit_spec.recipe import CheckedRecipe

FILE = "teacher.safetensors"


def open_teacher(
    checked: "CheckedRecipe",
    data: Data,
    *,
    folder: Path,
    allow_code: bool = False,
    device: torch.device | str = "cpu",
) -> Teacher | None:
    """Open the teacher of a recipe; None where nothing is learned from one."""
    recipe, student = checked.recipe, checked.student
    if recipe is None or student is None or student.spec is None:
        raise ValueError("the recipe has errors")
    if recipe.loss.kind == "none" or recipe.teacher is None:
        return None
    size = student.spec.image_size
    if recipe.teacher.builtin == "true_labels":
        return TrueLabels(len(data.classes)).to(device)
    assert isinstance(data, Digits)
    weights = recipe.teacher.weights
    path = checked.place(weights) if weights else folder / FILE
    channels, classes = data.train_images.shape[1], len(data.classes)
    if path.exists():
        network = load_convnet(path, channels=channels, classes=classes)
    else:
        network = train_convnet(
            data.train_images,
            data.train_labels,
            classes=classes,
            steps=recipe.teacher.steps,
            seed=recipe.run.seed,
        )
        save_convnet(network, path)
    ours = View(data.mean, data.std, size)
    own = View([0.0] * channels, [1.0] * channels, recipe.teacher.image_size or size)
    return Teacher(network, classes, student=ours, own=own).to(device)
