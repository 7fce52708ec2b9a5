"""Labelled images in a dataset of Hugging Face, on the hub or on this machine."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from deit_spec.diagnostics.printable import first_line_of, listed
from deit_spec.distill import runtime_errors as errors
from deit_spec.distill.data.image_sources import ImageRows, Splits, nearest_folder
from deit_spec.distill.optional_packages import require_packages
from deit_spec.distill.runtime_errors import recipe_of
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.class_matching import Relation, match_classes
from deit_spec.recipe.image_folder import (
    TRAIN_NAMES,
    VAL_NAMES,
    first_usual,
    is_saved_dataset,
)
from deit_spec.spec.nearest import one_of

HUB_SECONDS = 3.0
"""The time to wait for an answer of the hub, in seconds."""
_REPOSITORY = re.compile(r"(?:\w[\w.-]{0,95}/)?\w[\w.-]{0,95}")
"""The name of a dataset on the hub, with its owner if it has one."""


def find_dataset(checked: CheckedRecipe, name: str, *, training: bool = True) -> Splits:
    """Load a dataset; without `training`, it may have a validation split alone."""
    require_packages("datasets of Hugging Face", "datasets")
    splits = _load_dataset(checked, name)
    data = recipe_of(checked).data
    train = data.train or first_usual(TRAIN_NAMES, tuple(splits))
    vals = [each for each in VAL_NAMES if each in splits]
    if train is None and not training:
        train, vals = data.val or next(iter(vals), None), []
    elif data.val:
        vals = [data.val]
    for split in (train or TRAIN_NAMES[0], data.val):
        if split is not None and split not in splits:
            reason = f"it has no split `{split}`, only {listed(splits)}"
            help_ = "`data.train` and `data.val` name the splits"
            raise errors.unusable_dataset(checked, reason, help_=help_)
    assert train is not None  # noqa: S101  -- it is one of the splits
    if train in vals:
        raise errors.split_overlaps(checked, train)
    features = splits[train].features
    image = _column(checked, features, "image", "Image")
    label = _column(checked, features, "label", "ClassLabel")
    classes = tuple(features[label].names)
    rows = partial(_image_rows, checked, image=image, label=label, classes=classes)
    images = rows(train, splits[train])
    _require_labels(checked, images)
    present = set(images.labels)
    empty = [name for index, name in enumerate(classes) if index not in present]
    if empty and training:
        reason = f"`{train}` has no image of {listed(empty)}"
        raise errors.unusable_dataset(checked, reason)
    found = [rows(val, splits[val]) for val in vals]
    if data.val and found:
        _require_labels(checked, *found)
    # The labels of a split may be secret; they are -1 then.
    labelled = (val for val in found if min(val.labels, default=-1) >= 0)
    return Splits(classes, images, next(labelled, None), {})


def _require_labels(checked: CheckedRecipe, images: ImageRows) -> None:
    if min(images.labels, default=-1) < 0:
        reason = f"`{images.split}` has images without a label"
        raise errors.unusable_dataset(checked, reason)


def _load_dataset(checked: CheckedRecipe, name: str) -> Mapping[str, Any]:
    """The splits of a dataset by name; a dataset without splits is `train`."""
    import datasets  # noqa: PLC0415  -- takes a second

    path = checked.place(name)
    try:
        if is_saved_dataset(path):
            loaded = datasets.load_from_disk(str(path))
        elif path.exists():
            loaded = datasets.load_dataset(str(path))
        else:
            loaded = _load_from_hub(checked, name)
    except errors.DataError:
        raise
    except Exception as error:  # noqa: BLE001  -- it raises many kinds
        raise errors.unusable_dataset(checked, first_line_of(error)) from None
    return loaded if isinstance(loaded, dict) else {TRAIN_NAMES[0]: loaded}


def _load_from_hub(checked: CheckedRecipe, name: str) -> Any:
    """Load a dataset from the hub or the cache, without retrying for half a minute."""
    import datasets  # noqa: PLC0415  -- takes a second

    reason = f"there is no folder `{name}`"
    near = nearest_folder(checked.place(name)) or nearest_folder(Path(name))
    help_ = near or "use the path of a folder, or the name of a dataset on the hub"
    is_there = _is_on_hub(name)
    if is_there is False:
        reason += ", and no dataset of this name on the hub"
        raise errors.unusable_dataset(checked, reason, help_=help_)
    with nullcontext() if is_there else _offline():
        try:
            return datasets.load_dataset(name)
        except ConnectionError:
            reason += ", and the hub cannot be reached"
            raise errors.unusable_dataset(checked, reason, help_=help_) from None


def _is_on_hub(name: str) -> bool | None:
    """Whether the hub has a dataset; None if it cannot be reached."""
    from huggingface_hub import HfApi, constants  # noqa: PLC0415  -- with `datasets`
    from huggingface_hub import errors as hub  # noqa: PLC0415

    if not _REPOSITORY.fullmatch(name):
        return False
    if constants.HF_HUB_OFFLINE:
        return None
    try:
        HfApi().dataset_info(name, timeout=HUB_SECONDS)
    except hub.GatedRepoError:
        return True
    except hub.HfHubHTTPError as error:
        # Of another error of the hub `datasets` says more.
        return not isinstance(error, hub.RepositoryNotFoundError)
    except Exception:  # noqa: BLE001  -- those of the network are many
        return None
    return True


@contextmanager
def _offline() -> Iterator[None]:
    """Use only the datasets that have been downloaded before."""
    from datasets import config  # noqa: PLC0415  -- takes a second
    from huggingface_hub import constants  # noqa: PLC0415

    before = constants.HF_HUB_OFFLINE, config.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = config.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE, config.HF_HUB_OFFLINE = before


def _column(
    checked: CheckedRecipe, features: Mapping[str, Any], role: str, kind: str
) -> str:
    """The column of images or of labels: the one that the recipe names, or the only."""
    import datasets  # noqa: PLC0415  -- takes a second

    wanted = getattr(datasets, kind)
    found = [key for key, feature in features.items() if isinstance(feature, wanted)]
    columns = {str(k): v for k, v in (recipe_of(checked).data.columns or {}).items()}
    named = columns.get(role, role)
    if named in found:
        return named
    if len(found) == 1 and role not in columns:
        return found[0]
    reason = f"it has no column `{named}` of the feature {kind}"
    reason += f", only {listed(found)}" if found else ""
    choices = [f"`data.columns: {{{role}: {name}}}`" for name in found[:2]]
    field = f"data.columns.{role}" if role in columns else "data.dataset"
    help_ = one_of(choices) if choices else None
    raise errors.unusable_dataset(checked, reason, field, help_)


def _image_rows(  # noqa: PLR0913  -- one argument for each thing that can differ
    checked: CheckedRecipe,
    split: str,
    rows: Any,
    *,
    image: str,
    label: str,
    classes: Sequence[str],
) -> ImageRows:
    """The rows of a split, whose classes may be in another order."""
    import datasets  # noqa: PLC0415  -- takes a second

    names = getattr(rows.features[label], "names", classes)
    match = match_classes(names, classes)
    if match.relation is Relation.DIFFERENT:
        reason = f"`{split}` has the classes {listed(names)}, not {listed(classes)}"
        raise errors.unusable_dataset(checked, reason)
    labels = [-1 if each is None else each for each in rows[label]]
    labels = [each if each < 0 else match.indices[each] for each in labels]
    undecoded = rows.cast_column(image, datasets.Image(decode=False))
    return ImageRows(undecoded, image, labels, split)
