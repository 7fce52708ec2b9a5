"""A folder of images: a folder for each class, perhaps under `train` and `val`."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from deit_spec.diagnostics.printable import reason_of
from deit_spec.distill.data.pictures import FilePictures, Parts
from deit_spec.distill.problems import DataError, refuse
from deit_spec.recipe import late
from deit_spec.recipe.checked_recipe import look_into

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
    except OSError as error:  # one of the folders inside may not be read
        reason = reason_of(error)
        message = f"{error.filename or folder} cannot be listed: {reason}"
        raise refuse(checked, "data.folder", "DS521", message) from None


def _find(checked: "CheckedRecipe", folder: Path) -> Parts:
    there = look_into(folder)
    if there is None:
        raise DataError((late.missing_data_folder(checked, folder),))
    if not there.classes:
        raise DataError((late.no_classes(checked, there.train),))
    train = _pictures(checked, there.train, there.classes)
    if there.val is None:
        return Parts(there.classes, train, None)
    others = {entry.name for entry in _entries(there.val) if entry.is_dir()}
    if unknown := sorted(others.difference(there.classes)):
        lacking = [there.train / name for name in unknown]
        raise DataError((late.empty_class(checked, lacking),))
    return Parts(there.classes, train, _pictures(checked, there.val, there.classes))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, by name, but for what begins with a dot."""
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if not entry.name.startswith(".")]
    return sorted(found, key=lambda entry: entry.name)


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
            empty.append(folder / name)
    if empty:
        raise DataError((late.empty_class(checked, empty),))
    return FilePictures(paths, labels)


def _images(folder: Path) -> Iterator[str]:
    for entry in _entries(folder) if folder.is_dir() else []:
        if entry.is_dir():
            yield from _images(Path(entry.path))
        elif entry.name.lower().endswith(EXTENSIONS):
            yield entry.path
