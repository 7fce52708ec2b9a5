"""Recipes for tests, and small image folders for them."""

import random
from pathlib import Path

import yaml
from PIL import Image

from deit_spec.distill.data import Data, open_data
from deit_spec.recipe import CheckedRecipe, Recipe, check_recipe

FOLDER = Path(__file__).parents[2] / "recipes"
SPECS = FOLDER / "students"
DIGITS = {"builtin": "digits", "train_images": 300, "val_images": 600}
PLAIN = {
    "repeats": 1,
    "crop_scale": None,
    "flip": 0.0,
    "color_jitter": 0.0,
    "rand_augment": None,
    "mixup": 0.0,
    "cutmix": 0.0,
    "erasing": 0.0,
}
"""No augmentation."""
SMALL = {
    "image_size": 16,
    "patch_size": 4,
    "embed_dim": 16,
    "depth": 1,
    "num_heads": 2,
    "num_classes": 3,
    "teacher_num_classes": 3,
}
"""A student for folders of images."""


def check(folder: Path, **sections: dict[str, object]) -> CheckedRecipe:
    """Write a recipe, by default for the digits, and check it."""
    written = {
        "student": {"spec": str(SPECS / "digits.yaml")},
        "teacher": {"builtin": "digits_convnet"},
        "data": DIGITS,
        "schedule": {"steps": 100, "batch_size": 64, "warmup_steps": 10},
        **sections,
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")
    return check_recipe(path)


def check_images(
    folder: Path, data: dict[str, object], **sections: dict[str, object]
) -> CheckedRecipe:
    """Check a recipe with a small student for images of three classes."""
    spec = {**SMALL, **sections.pop("spec", {})}
    (folder / "student.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    written: dict[str, dict[str, object]] = {
        "student": {"spec": "student.yaml"},
        "teacher": {"builtin": "true_labels"},
        "data": {"workers": 0, **data},
        "schedule": {"steps": 20, "batch_size": 4, "warmup_steps": 1},
        **sections,
    }
    return check(folder, **written)


def write_images(folder: Path, classes: str, each: int = 4, side: int = 12) -> None:
    """Write `each` PNG images of random noise for each letter of `classes`."""
    source = random.Random(f"{folder.name}{classes}")
    for label in classes:
        (folder / label).mkdir(parents=True)
        for number in range(each):
            size = (side + number, side)
            image = Image.frombytes("RGB", size, source.randbytes(3 * size[0] * side))
            image.save(folder / label / f"{number}.png")


def valid(checked: CheckedRecipe) -> Recipe:
    """The recipe of a check without errors."""
    assert checked.recipe is not None, checked.diagnostics
    return checked.recipe


def open_images(folder: Path, **sections: dict[str, object]) -> Data:
    """Open the folder `images` as the data of a recipe."""
    data = {"folder": "images", **sections.pop("data", {})}
    checked = check_images(folder, data, **sections)
    assert checked.recipe is not None, checked.diagnostics
    return open_data(checked)
