"""Find labelled images: in a folder, or in a dataset of Hugging Face."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from PIL import Image

from deit_spec.diagnostics import Diagnostic
from deit_spec.diagnostics.printable import first_line_of, listed, reason_of
from deit_spec.distill import runtime_errors as errors
from deit_spec.distill.data.class_order import ClassOrder
from deit_spec.distill.optional_packages import require_packages
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.checked_recipe import look_into

EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""The extensions of images, as in torchvision; upper case is accepted too."""
TRAIN = "train"
VALS = ("validation", "val", "valid", "test")
"""The names of a held-out split; the first one that has labels is used."""
LABEL = "label"
SAVED_FILES = ("dataset_info.json", "dataset_dict.json")  # by `save_to_disk`


@dataclass(frozen=True)
class ImageFiles:
    """Images in files, with class indices, which are opened one by one."""

    paths: Sequence[str]
    labels: Sequence[int]

    def name(self, index: int) -> str:
        """The path."""
        return self.paths[index]

    def open(self, index: int) -> Image.Image:
        """Open the file; Pillow raises many kinds of errors."""
        return Image.open(self.paths[index])


@dataclass(frozen=True)
class ImageRows:
    """Images in a column of a dataset of Hugging Face, as `bytes` or the `path`."""

    rows: Any
    column: str
    labels: Sequence[int]

    def name(self, index: int) -> str:
        """The split and the row."""
        return f"{self.rows.split or 'train'}[{index}]"

    def open(self, index: int) -> Image.Image:
        """Open the bytes or the file of the row."""
        cell = self.rows[index][self.column]
        return Image.open(BytesIO(cell["bytes"]) if cell["bytes"] else cell["path"])


LabelledImages: TypeAlias = ImageFiles | ImageRows


class Splits(NamedTuple):
    """The images of a source; without `val`, some of `train` are held out."""

    classes: tuple[str, ...]
    train: LabelledImages
    val: LabelledImages | None
    notes: tuple[Diagnostic, ...] = ()

    def ordered(self, order: ClassOrder) -> "Splits":
        """The images with the labels of another order of the classes."""
        train = replace(self.train, labels=order.relabel(self.train.labels))
        val = self.val and replace(self.val, labels=order.relabel(self.val.labels))
        return Splits(order.classes, train, val, order.notes)


def find_folder(checked: CheckedRecipe, folder: Path) -> Splits:
    """List the images of a folder of classes, or of its `train` and `val`, by name."""
    try:
        return _find_folder(checked, folder)
    except OSError as error:  # a folder inside cannot be listed
        name = error.filename or folder
        message = f"{name} cannot be listed: {reason_of(error)}"
        raise errors.data_error(checked, "data.folder", "DS521", message) from None


def _find_folder(checked: CheckedRecipe, folder: Path) -> Splits:
    found = look_into(folder)
    if found is None:
        raise errors.data_error(
            checked,
            "data.folder",
            "DS521",
            "the folder of images does not exist",
            notes=[f"looked for {folder}"],
            help_="`--set data.folder=PATH` uses another one",
        )
    if not found.classes:
        message = f"{found.train} contains no class folders"
        help_ = "put the images of each class into a folder with its name"
        raise errors.data_error(checked, "data.folder", "DS522", message, help_=help_)
    train = _image_files(checked, found.train, found.classes)
    if found.val is None:
        return Splits(found.classes, train, None)
    val_classes = {entry.name for entry in _entries(found.val) if entry.is_dir()}
    unknown = sorted(val_classes.difference(found.classes))
    _require_no_empty(checked, [found.train / name for name in unknown])
    return Splits(found.classes, train, _image_files(checked, found.val, found.classes))


def _image_files(
    checked: CheckedRecipe, folder: Path, classes: tuple[str, ...]
) -> ImageFiles:
    by_class = [list(_images(folder / name)) for name in classes]
    empty = [folder / classes[i] for i, each in enumerate(by_class) if not each]
    _require_no_empty(checked, empty)
    labels = [label for label, paths in enumerate(by_class) for _ in paths]
    return ImageFiles([path for paths in by_class for path in paths], labels)


def _require_no_empty(checked: CheckedRecipe, folders: Sequence[Path]) -> None:
    if folders:
        message = f"there are no images in {listed(folders)}"
        help_ = "put images of the class there, or remove the folder"
        raise errors.data_error(checked, "data.folder", "DS523", message, help_=help_)


def _images(folder: Path) -> Iterator[str]:
    for entry in _entries(folder) if folder.is_dir() else []:
        if entry.is_dir():
            yield from _images(Path(entry.path))
        elif entry.name.lower().endswith(EXTENSIONS):
            yield entry.path


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """The entries of a folder by name, without hidden ones."""
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if not entry.name.startswith(".")]
    return sorted(found, key=lambda entry: entry.name)


def find_dataset(checked: CheckedRecipe, name: str) -> Splits:
    """Load a dataset of Hugging Face: its features `Image` and `ClassLabel`."""
    require_packages("datasets of Hugging Face", "datasets")
    splits = _load_dataset(checked, name)
    if TRAIN not in splits:
        reason = f"it has no split `{TRAIN}`, only {listed(splits)}"
        raise errors.unusable_dataset(checked, reason)
    features = splits[TRAIN].features
    image = _column(checked, features, "Image")
    label = _column(checked, features, "ClassLabel")
    classes = tuple(features[label].names)
    train = _image_rows(splits[TRAIN], image, label)
    if min(train.labels, default=-1) < 0:
        raise errors.unusable_dataset(checked, f"`{TRAIN}` has images without a label")
    if empty := [classes[i] for i in range(len(classes)) if i not in {*train.labels}]:
        reason = f"`{TRAIN}` has no image of {listed(empty)}"
        raise errors.unusable_dataset(checked, reason)
    vals = (_image_rows(splits[val], image, label) for val in VALS if val in splits)
    # The labels of a test split may be secret; they are -1 then.
    labelled = (val for val in vals if min(val.labels, default=-1) >= 0)
    return Splits(classes, train, next(labelled, None))


def _load_dataset(checked: CheckedRecipe, name: str) -> Mapping[str, Any]:
    """The splits of a dataset by name; a dataset without splits is `train`."""
    import datasets  # noqa: PLC0415  -- takes a second

    path = checked.place(name)
    try:
        if any((path / file).exists() for file in SAVED_FILES):
            loaded = datasets.load_from_disk(str(path))
        else:
            loaded = datasets.load_dataset(str(path) if path.exists() else name)
    except Exception as error:  # noqa: BLE001  -- it raises many kinds
        raise errors.unusable_dataset(checked, first_line_of(error)) from None
    return loaded if isinstance(loaded, dict) else {TRAIN: loaded}


def _column(checked: CheckedRecipe, features: Mapping[str, Any], kind: str) -> str:
    import datasets  # noqa: PLC0415  -- takes a second

    wanted = getattr(datasets, kind)
    found = [key for key, feature in features.items() if isinstance(feature, wanted)]
    if LABEL in found:
        return LABEL
    if len(found) == 1:
        return found[0]
    which = f"{len(found)} columns: {listed(found)}" if found else "no column"
    raise errors.unusable_dataset(checked, f"it has {which} of the feature {kind}")


def _image_rows(split: Any, image: str, label: str) -> ImageRows:
    import datasets  # noqa: PLC0415  -- takes a second

    rows = split.cast_column(image, datasets.Image(decode=False))
    return ImageRows(rows, image, list(split[label]))
