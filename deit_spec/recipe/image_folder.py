"""A folder of images: its class folders, in it or in the folders of its splits."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TRAIN_NAMES: Final = ("train", "training")
"""The usual names of the training split, in any case; the first one is used."""
VAL_NAMES: Final = ("val", "valid", "validation")
"""The usual names of the validation split; `test` is used only if it is named."""
_SPLITS: Final = frozenset({*TRAIN_NAMES, *VAL_NAMES, "test"})
_SAVED: Final = ("dataset_info.json", "dataset_dict.json")
_ARCHIVE: Final = "__MACOSX"
"""What macOS adds to an archive: a copy of each folder, without its images."""


@dataclass(frozen=True)
class ImageFolder:
    """A folder of images, and the folders that contain its class folders.

    `train` is `folder` itself if there are no splits, and None if there are only
    others. The `class_folders` in it are sorted as strings; `splits` are the names of
    folders that are named as splits.
    """

    folder: Path
    train: Path | None
    val: Path | None
    class_folders: tuple[str, ...]
    splits: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return tuple(map(shown_name, self.class_folders))


def look_into(
    folder: Path, train: str | None = None, val: str | None = None
) -> ImageFolder | None:
    """Find the classes of a folder of images; None if there is no such folder.

    `train` and `val` name folders in it, by default those with the usual names. Such a
    folder is a class if it has no folders and is beside others, as `train` beside
    `bus`.
    """
    names = subfolders(folder)
    if names is None:
        return None
    splits = tuple(name for name in names if name.lower() in _SPLITS)
    found = first_usual(TRAIN_NAMES, splits)
    is_split = len(splits) == len(names) or bool(found and subfolders(folder / found))
    if train is not None and not is_split:
        is_split = any(subfolders(folder / name) for name in splits)
    if not is_split:
        found, splits = None, ()
    if splits and train is None:
        train = found
    if splits and val is None:
        val = first_usual(VAL_NAMES, splits)
    training = folder / train if train is not None else None if splits else folder
    return ImageFolder(
        folder,
        training,
        None if val is None else folder / val,
        tuple(subfolders(training) or ()) if training else (),
        splits,
    )


def subfolders(folder: Path) -> list[str] | None:
    """The names of the folders in a folder, sorted; None if it cannot be listed."""
    try:
        return [entry.name for entry in entries_of(folder) if entry.is_dir()]
    except (OSError, ValueError):
        return None


def is_saved_dataset(path: Path) -> bool:
    """Whether a folder is a dataset of Hugging Face, saved with `save_to_disk`."""
    return any((path / name).is_file() for name in _SAVED)


def entries_of(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    """The entries of a folder by name, without hidden ones and those of archives."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    return (e for e in found if not e.name.startswith(".") and e.name != _ARCHIVE)


def shown_name(name: str) -> str:
    r"""A name of a file or folder as text: `\xe9` for a byte that is not UTF-8."""
    if name.isascii():
        return name
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def first_usual(usual: Sequence[str], names: Sequence[str]) -> str | None:
    """The first of the usual names that is one of the names, in any case."""
    by_usual = {name.lower(): name for name in reversed(names)}
    return next((by_usual[name] for name in usual if name in by_usual), None)
