"""Labelled images in files or rows, and finding them in a folder."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from PIL import Image

from deit_spec.diagnostics import Diagnostic
from deit_spec.diagnostics.printable import listed, reason_of
from deit_spec.distill import runtime_errors as errors
from deit_spec.distill.data.class_order import ClassOrder
from deit_spec.distill.data.split import START
from deit_spec.distill.image_files import (
    image_files,
    is_image,
    kind_of,
    note_of_ignored,
)
from deit_spec.distill.runtime_errors import recipe_of
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.image_folder import (
    ImageFolder,
    entries_of,
    is_saved_dataset,
    look_into,
    shown_name,
    subfolders,
)
from deit_spec.spec import nearest


@dataclass(frozen=True)
class ImageFiles:
    """Images in files, with paths relative to `folder` that start with `prefix`."""

    paths: Sequence[str]
    labels: Sequence[int]
    folder: str = ""
    prefix: str = ""

    def name(self, index: int) -> str:
        """The path."""
        return os.path.join(self.folder, self.paths[index])  # noqa: PTH118  -- faster

    def key(self, index: int) -> str:
        """The path relative to the folder, with `/`."""
        return shown_name(self.paths[index]).replace(os.sep, "/")

    def content(self, index: int) -> bytes:
        """The size and the start of the file; nothing if it cannot be read."""
        return _content_of(self.name(index))

    def open(self, index: int) -> Image.Image:
        """Open the file; Pillow raises many kinds of errors."""
        return Image.open(self.name(index))


@dataclass(frozen=True)
class ImageRows:
    """Images in a column of a dataset of Hugging Face, as `bytes` or the `path`."""

    rows: Any
    column: str
    labels: Sequence[int]
    split: str

    @property
    def prefix(self) -> str:
        """The split and a bracket."""
        return f"{self.split}["

    def name(self, index: int) -> str:
        """The split and the row."""
        return f"{self.prefix}{index}]"

    key = name

    def content(self, index: int) -> bytes:
        """The size and the start of the bytes or of the file of the row."""
        cell = self.rows[index][self.column]
        data = cell["bytes"]
        return (
            b"%d %b" % (len(data), data[:START]) if data else _content_of(cell["path"])
        )

    def open(self, index: int) -> Image.Image:
        """Open the bytes or the file of the row."""
        cell = self.rows[index][self.column]
        return Image.open(BytesIO(cell["bytes"]) if cell["bytes"] else cell["path"])


def _content_of(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123  -- faster
            return b"%d %b" % (os.fstat(file.fileno()).st_size, file.read(START))
    except (OSError, TypeError):  # a row may have no path, either
        return b""


LabelledImages: TypeAlias = ImageFiles | ImageRows


class Splits(NamedTuple):
    """The images of a source by split, and the ignored files by kind."""

    classes: tuple[str, ...]
    train: LabelledImages
    val: LabelledImages | None
    ignored: Mapping[str, int]
    notes: tuple[Diagnostic, ...] = ()

    def ordered(self, order: ClassOrder) -> "Splits":
        """The images with the labels of another order of the classes."""
        train = replace(self.train, labels=order.relabel(self.train.labels))
        val = self.val and replace(self.val, labels=order.relabel(self.val.labels))
        return Splits(order.classes, train, val, self.ignored, order.notes)


def find_folder(
    checked: CheckedRecipe, folder: Path, *, training: bool = True
) -> Splits:
    """List the images of a folder; without `training`, it may have `val` alone."""
    try:
        return _find_folder(checked, folder, training=training)
    except OSError as error:  # a folder inside cannot be listed
        name = error.filename or folder
        message = f"{name} cannot be listed: {reason_of(error)}"
        raise errors.data_error(checked, "data.folder", "DS521", message) from None


def _find_folder(checked: CheckedRecipe, folder: Path, *, training: bool) -> Splits:
    data = recipe_of(checked).data
    found = look_into(folder, data.train, data.val)
    if found is None:
        raise errors.data_error(
            checked,
            "data.folder",
            "DS521",
            "the folder of images does not exist",
            notes=[f"looked for {folder}"],
            help_=nearest_folder(folder) or "use the path of a folder that exists",
        )
    train, val = found.train, found.val
    if train is None and not training:
        train, val = val, None
        names = tuple(subfolders(train) or ()) if train else ()
        found = replace(found, class_folders=names)
    train = _require_splits(checked, found, train, val)
    ignored = Counter[str]()
    names, classes = found.class_folders, found.classes
    listing = partial(_image_files, checked, folder, ignored=ignored, training=training)
    images = listing(train, names)
    if val is None:
        return Splits(classes, images, None, ignored)
    _require_known_classes(checked, found)
    vals = listing(val, names)
    return Splits(classes, images, vals, ignored)


def _require_splits(
    checked: CheckedRecipe, found: ImageFolder, train: Path | None, val: Path | None
) -> Path:
    """Check that the splits are folders, and that there are classes to train on."""
    for field, path in (("data.train", train), ("data.val", val)):
        if path is None or path.is_dir():
            continue
        name = path.relative_to(found.folder)
        names = subfolders(found.folder) or []
        meant = nearest.closest_word(str(name), names)
        raise errors.data_error(
            checked,
            field,
            "DS521",
            f"{found.folder} contains no folder `{name}`",
            notes=[f"it contains {listed(names)}"] if names else [],
            help_=f"did you mean `{meant}`?" if meant else None,
        )
    if train is None:
        message = f"{found.folder} contains no `train`, only {', '.join(found.splits)}"
        help_ = "`data.train` names the folder of the training split"
        raise errors.data_error(checked, "data.folder", "DS522", message, help_=help_)
    if not found.classes:
        message = f"{train} contains no class folders"
        help_ = "put the images of each class into a folder with its name"
        if is_saved_dataset(found.folder):
            help_ = "`data.dataset` opens a dataset that was saved with `save_to_disk`"
        raise errors.data_error(checked, "data.folder", "DS522", message, help_=help_)
    if val is not None and val.resolve() == train.resolve():
        raise errors.split_overlaps(checked, str(val))
    return train


def nearest_folder(folder: Path) -> str | None:
    """The help for a folder that does not exist: one beside it with a similar name."""
    meant = nearest.closest_word(folder.name, subfolders(folder.parent) or ())
    return f"did you mean `{folder.parent / meant}`?" if meant else None


def _require_known_classes(checked: CheckedRecipe, found: ImageFolder) -> None:
    """Check that there is no image of a class in `val` that `train` does not have."""
    assert found.val is not None  # noqa: S101  -- the caller has checked it
    names = set(subfolders(found.val) or ()).difference(found.class_folders)
    unknown = [
        name
        for name in sorted(names)
        if any(image_files(found.val / name, Counter[str]()))
    ]
    if not unknown:
        return
    which = listed(map(shown_name, unknown))
    some = f"the class {which}" if len(unknown) == 1 else f"the classes {which}"
    raise errors.data_error(
        checked,
        "data.folder",
        "DS541",
        f"{found.val} has {some}, which {found.train} does not have",
        notes=[f"the classes to train on are {listed(found.classes)}"],
        help_="rename the folder, or add it to the training split",
    )


def _image_files(  # noqa: PLR0913  -- one argument for each thing that can differ
    checked: CheckedRecipe,
    folder: Path,
    split: Path,
    class_folders: tuple[str, ...],
    *,
    ignored: Counter[str],
    training: bool,
) -> ImageFiles:
    """List the images of the classes in a split; with `training`, none may be empty."""
    root, prefix = os.fspath(folder), os.path.relpath(split, folder)
    base = root if prefix == os.curdir else os.path.join(root, prefix)  # noqa: PTH118
    for entry in entries_of(base):
        if not entry.is_dir():
            outside = " outside class folders" if is_image(entry.name) else ""
            ignored[kind_of(entry.name) + outside] += 1
    paths, labels, empty = list[str](), list[int](), list[str]()
    for label, name in enumerate(class_folders):
        inside = os.path.join(base, name)  # noqa: PTH118
        images = list(image_files(inside, ignored)) if os.path.isdir(inside) else []  # noqa: PTH112
        paths += images
        labels += [label] * len(images)
        empty += [] if images else [shown_name(inside)]
    if empty and (training or not paths):
        note = note_of_ignored(ignored)
        raise errors.data_error(
            checked,
            "data.folder",
            "DS523",
            f"there are no images in {listed(empty)}",
            notes=[note] if note else [],
            help_="put images of the class there, or remove the folder",
        )
    start = len(os.path.join(root, ""))  # noqa: PTH118
    key = "" if prefix == os.curdir else f"{shown_name(prefix)}/".replace(os.sep, "/")
    return ImageFiles([path[start:] for path in paths], labels, root, key)
