"""What a folder of images holds, told from the names of its folders alone."""

import os
from dataclasses import dataclass
from pathlib import Path

TRAIN, VAL = "train", "val"


@dataclass(frozen=True)
class ImageFolder:
    """A folder of images: a folder for each class, in it or in `train` and `val`."""

    train: Path
    val: Path | None
    classes: tuple[str, ...]


def look_into(folder: Path) -> ImageFolder | None:
    """Find the classes of a folder of images; None where there is no such folder.

    What is hidden is no class. Without `val`, images are held out of the others.
    """
    names = _folders(folder)
    if names is None:
        return None
    train = folder / TRAIN if TRAIN in names else folder
    val = folder / VAL if TRAIN in names and VAL in names else None
    return ImageFolder(train, val, tuple(_folders(train) or ()))


def _folders(folder: Path) -> list[str] | None:
    try:
        with os.scandir(folder) as entries:
            return sorted(
                each.name
                for each in entries
                if each.is_dir() and not each.name.startswith(".")
            )
    except (OSError, ValueError):
        return None
