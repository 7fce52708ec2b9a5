"""A dataset of Hugging Face: columns found by what they hold."""

from typing import TYPE_CHECKING, Any

from deit_spec.diagnostics.printable import first_line_of
from deit_spec.distill.data.pictures import Parts, RowPictures
from deit_spec.distill.extra import require_packages
from deit_spec.distill.problems import DataError, some
from deit_spec.recipe import late

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deit_spec.recipe import CheckedRecipe

TRAIN = "train"
VALS = ("validation", "val", "valid", "test")
"""What the part held out may be called; the first that is there and has labels."""
LABEL = "label"
SAVED = ("dataset_info.json", "dataset_dict.json")
"""What `save_to_disk` leaves in a folder."""


def find_rows(checked: "CheckedRecipe", name: str) -> Parts:
    """Load a dataset, by name or from a folder, and find images and labels in it.

    Images are in the column of the feature `Image`, labels in that of the feature
    `ClassLabel`; where there are several of these, in the one called `label`.

    Raises:
        DataError: It cannot be loaded, or has no such columns or no part `train`.
        MissingPackageError: datasets is not installed.
    """
    require_packages("datasets of Hugging Face", "datasets")
    splits = _load(checked, name)
    if TRAIN not in splits:
        raise _refuse(checked, f"it has no part `{TRAIN}`, but {some(splits)}")
    features = splits[TRAIN].features
    image = _column(checked, features, "Image")
    label = _column(checked, features, "ClassLabel")
    classes = tuple(features[label].names)
    train = _pictures(splits[TRAIN], image, label)
    if min(train.labels, default=-1) < 0:
        raise _refuse(checked, f"`{TRAIN}` has images without a label")
    there = set(train.labels)
    empty = [each for label, each in enumerate(classes) if label not in there]
    if empty:
        raise _refuse(checked, f"`{TRAIN}` has no image of {some(empty)}")
    vals = (_pictures(splits[val], image, label) for val in VALS if val in splits)
    # The labels of a test part may be kept secret; they are -1 then.
    labelled = (val for val in vals if min(val.labels, default=-1) >= 0)
    return Parts(classes, train, next(labelled, None))


def _load(checked: "CheckedRecipe", name: str) -> "Mapping[str, Any]":
    """The parts of a dataset by name; one without parts is `train`."""
    import datasets  # noqa: PLC0415  -- takes a second

    place = checked.place(name)
    try:
        if any((place / mark).exists() for mark in SAVED):
            loaded = datasets.load_from_disk(str(place))
        else:
            loaded = datasets.load_dataset(str(place) if place.exists() else name)
    except Exception as error:  # noqa: BLE001  -- it raises whatever its parts do
        reason = first_line_of(error)
        raise _refuse(checked, reason) from None
    return loaded if isinstance(loaded, dict) else {TRAIN: loaded}


def _column(checked: "CheckedRecipe", features: "Mapping[str, Any]", kind: str) -> str:
    import datasets  # noqa: PLC0415  -- takes a second

    wanted = getattr(datasets, kind)
    found = [key for key, feature in features.items() if isinstance(feature, wanted)]
    if LABEL in found:
        return LABEL
    if len(found) == 1:
        return found[0]
    which = f"{len(found)} columns: {some(found)}" if found else "no column"
    raise _refuse(checked, f"it has {which} of the feature {kind}")


def _pictures(part: Any, image: str, label: str) -> RowPictures:
    import datasets  # noqa: PLC0415  -- takes a second

    rows = part.cast_column(image, datasets.Image(decode=False))
    return RowPictures(rows, image, list(part[label]))


def _refuse(checked: "CheckedRecipe", reason: str) -> DataError:
    return DataError((late.unusable_dataset(checked, reason),))
