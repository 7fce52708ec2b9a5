"""The teachers that come with the package."""

from pathlib import Path
from typing import TYPE_CHECKING

from deit_spec.distill.data.base import Data
from deit_spec.distill.data.digits import Digits
from deit_spec.distill.problems import DataError, recipe_of, refuse, unusable
from deit_spec.distill.teachers.base import Made
from deit_spec.distill.teachers.convnet import (
    DigitsConvnet,
    load_convnet,
    origin_of,
    read_origin,
    save_convnet,
    train_convnet,
)
from deit_spec.recipe.run_files import TEACHER
from deit_spec.weights import WeightsError

if TYPE_CHECKING:
    from deit_spec.recipe import CheckedRecipe


def digits_convnet(
    checked: "CheckedRecipe", data: Data, weights: Path | None, folder: Path
) -> Made:
    """Load a convnet, from `weights` or the run's folder, or train and save it there.

    What is in the folder is taken where it follows from the same images, steps and
    seed; else it is another recipe's, and another is trained in its place.

    Raises:
        DataError: The file holds something else, or the images are no digits.
        UnsavedError: What was trained cannot be saved.
    """
    if not isinstance(data, Digits):
        message = "digits_convnet takes no images but digits"
        raise refuse(checked, "teacher.builtin", "DS511", message)
    path = weights or folder / TEACHER
    if weights:
        network = _load(checked, path, len(data.classes))
    else:
        network = _from_folder(checked, data, path)
    # It was trained on images in [0, 1], whatever the student's are normalised with.
    return Made(network, (0.0,), (1.0,), channels=1)


def _from_folder(checked: "CheckedRecipe", data: Digits, path: Path) -> DigitsConvnet:
    recipe = recipe_of(checked)
    images, labels = data.train_images, data.train_labels
    classes, seed = len(data.classes), recipe.run.seed
    steps = recipe.teacher.steps if recipe.teacher else 0
    origin = origin_of(images, labels, classes=classes, steps=steps, seed=seed)
    if read_origin(path) == origin:
        return _load(checked, path, classes)
    network = train_convnet(images, labels, classes=classes, steps=steps, seed=seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_convnet(network, path, origin)
    return network


def _load(checked: "CheckedRecipe", path: Path, classes: int) -> DigitsConvnet:
    try:
        return load_convnet(path, channels=1, classes=classes)
    except WeightsError as error:
        raise DataError(error.diagnostics) from None
    except RuntimeError:
        reason = f"{path} holds no digits_convnet of {classes} classes"
        raise unusable(checked, "teacher.weights", reason) from None
