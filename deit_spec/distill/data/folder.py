"""A folder of images: a folder for each class, perhaps under `train` and `val`."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from deit_spec.distill.data.pictures import FilePictures, Parts
from deit_spec.distill.problems import DataError, refuse, some
from deit_spec.recipe.folders import TRAIN, VAL, look_into

if TYPE_CHECKING:
    from deit_spec.recipe import CheckedRecipe

EXTENSIONS = (
    ".bmp",
    ".jpeg",
    ".jpg",
    ".pgm",
    ".png",
    ".ppm",
    ".tif",
    ".tiff",
    ".webp",
)
"""What torchvision takes for an image, in small letters or capitals."""


def find_folder(checked: "CheckedRecipe", folder: Path) -> Parts:
    """List the images of a folder; none is opened.

    Classes are in the order of their names, as torchvision has them (timm orders
    numbers in names by their value). An image may be in a folder of its class's
    folder. What begins with a dot is not looked at.

    Raises:
        DataError: The folder is missing, has no classes, or a class has no image.
    """
    try:
        return _find(checked, folder)
    except OSError as error:
        raise _missing(checked, folder, error) from None


def _find(checked: "CheckedRecipe", folder: Path) -> Parts:
    there = look_into(folder)
    if there is None:
        # What is wrong is told by whoever looks again.
        with os.scandir(folder):
            raise NotADirectoryError(0, "it is no folder", str(folder))
    classes = _classes(checked, there.train)
    train = _pictures(checked, there.train, classes)
    if there.val is None:
        return Parts(classes, train, None)
    _require_same(checked, classes, _classes(checked, there.val))
    return Parts(classes, train, _pictures(checked, there.val, classes))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, by name, but for what begins with a dot."""
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if not entry.name.startswith(".")]
    return sorted(found, key=lambda entry: entry.name)


def _classes(checked: "CheckedRecipe", folder: Path) -> tuple[str, ...]:
    classes = tuple(entry.name for entry in _entries(folder) if entry.is_dir())
    if not classes:
        raise refuse(
            checked,
            "data.folder",
            "DS522",
            f"{folder} has no folders, which would be the classes",
            helps=["put the images of each class in a folder with the class's name"],
        )
    return classes


def _pictures(
    checked: "CheckedRecipe", folder: Path, classes: tuple[str, ...]
) -> FilePictures:
    paths: list[str] = []
    labels: list[int] = []
    empty = []
    for label, name in enumerate(classes):
        found = list(_images(folder / name))
        paths += found
        labels += [label] * len(found)
        if not found:
            empty.append(name)
    if empty:
        raise _empty(checked, folder, empty, classes)
    return FilePictures(paths, labels)


def _images(folder: Path) -> Iterator[str]:
    for entry in _entries(folder):
        if entry.is_dir():
            yield from _images(Path(entry.path))
        elif entry.name.lower().endswith(EXTENSIONS):
            yield entry.path


def _missing(checked: "CheckedRecipe", folder: Path, error: OSError) -> DataError:
    reason = (error.strerror or str(error)).lower()
    return refuse(
        checked,
        "data.folder",
        "DS521",
        f"the images cannot be read: {error.filename or folder}: {reason}",
        notes=["a path in a recipe is from the recipe's folder"],
    )


def _empty(
    checked: "CheckedRecipe", folder: Path, empty: list[str], classes: tuple[str, ...]
) -> DataError:
    have = "class has" if len(empty) == 1 else "classes have"
    return refuse(
        checked,
        "data.folder",
        "DS523",
        f"{len(empty)} of {len(classes)} {have} no image in {folder}: {some(empty)}",
        notes=[f"an image is a file that ends with {', '.join(EXTENSIONS)}"],
        helps=["remove the empty folder, or put images into it"],
    )


def _require_same(
    checked: "CheckedRecipe", train: tuple[str, ...], val: tuple[str, ...]
) -> None:
    """See that both parts have the same classes."""
    if train == val:
        return
    only_train, only_val = sorted({*train} - {*val}), sorted({*val} - {*train})
    alone = ((TRAIN, only_train), (VAL, only_val))
    raise refuse(
        checked,
        "data.folder",
        "DS523",
        f"{TRAIN} has {len(train)} classes, {VAL} {len(val)}, not the same",
        notes=[f"only {part} has {some(names)}" for part, names in alone if names],
    )
