"""The images that an evaluation scores, and how many of them a run was trained on."""

import posixpath
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from os.path import realpath
from pathlib import Path
from typing import Final

from deit_spec.diagnostics.printable import counted
from deit_spec.distill.data import Data, open_data
from deit_spec.distill.data.split import Split
from deit_spec.distill.runtime_errors import recipe_of
from deit_spec.distill.trained_model import TrainedModel
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.image_folder import is_saved_dataset
from deit_spec.recipe.overrides import Override, override_by_option
from deit_spec.recipe.rules.rule_context import SOURCES
from deit_spec.recipe.run_files import SPLIT
from deit_spec.recipe.split_file import SplitFile, read_split, split_error

_SPLIT_FIELDS = (*SOURCES, "train", "val", "columns", "val_images", "split_seed")
"""The fields of `data` from which the images held out follow."""

OTHER_CONTENT: Final = (
    "the images have the names of those of the run, but other content, so it is not "
    "known whether the model was trained on them"
)


@dataclass(frozen=True)
class ScoredImages:
    """The images to score: those held out in `data`, from the source `name`.

    `allowed_unreadable` is the recipe's limit, and `held_out` says whether the run has
    held out all of them. `trained_on` counts those it was trained on, None if that is
    not known. `whole`: they are all of a folder or dataset, or of its validation split.
    """

    data: Data
    name: str
    allowed_unreadable: int
    held_out: bool
    trained_on: int | None
    whole: bool
    warnings: tuple[str, ...] = ()

    def describe(self, images: int) -> str:
        """Describe the scored images: `600 images held out`."""
        text = counted(images, "image")
        if self.held_out:
            return f"{text} held out"
        if self.whole:
            split = self.data.split.validation
            name = split.prefix.rstrip("[/") if split else ""
            text = f"all {text} of the split {name}" if name else f"all {text}"
        count = self.trained_on
        return f"{text}, {count:,} of them trained on" if count else text


def data_override(name: str) -> Override:
    """The override of a recipe for `digits`, a folder or a Hugging Face dataset.

    >>> data_override("digits").path, data_override("me/birds").path
    (('data', 'builtin'), ('data', 'dataset'))
    """
    path = Path(name).expanduser()
    # The name of a dataset may have a slash, too.
    is_name = name.count("/") <= 1 and not name.startswith((".", "~"))
    if name == "digits":
        field, value = "builtin", name
    elif is_saved_dataset(path):
        field, value = "dataset", str(path.absolute())
    elif path.exists() or not is_name:
        field, value = "folder", str(path.absolute())
    else:
        field, value = "dataset", name
    return override_by_option("--data", name, f"data.{field}", value)


def open_scored_images(
    trained: TrainedModel,
    recipe: Path | None = None,
    overrides: Sequence[str] = (),
    data: Override | None = None,
) -> ScoredImages:
    """Open the images to score: by default those that the run has held out.

    With `data`, they are all images or those of the validation split; with another
    recipe, those that it holds out. See `TrainedModel.read_recipe` for the arguments.

    Raises RecipeError, RunFileError or DataError.
    """
    checked = trained.read_recipe(recipe, overrides, data)
    source = recipe_of(checked).data
    whole = data is not None and not source.val_images and source.builtin is None
    run, differing = None, list[str]()
    if trained.folder is not None:
        run = read_split(trained.folder)
        differing = [] if data else _differing(trained.read_recipe(), checked)
    is_own = run is not None and data is None and not differing
    opened = open_data(
        checked,
        training=False,
        whole=whole,
        known=trained.own_class_names(),
        held_out=run.held_out_names if run and is_own else None,
        preprocessing=trained.preprocessing_for(
            checked, overrides if recipe is None else None
        ),
    )
    images = ScoredImages(
        data=opened,
        name=str(source.builtin or source.folder or source.dataset),
        allowed_unreadable=source.unreadable,
        held_out=False,
        trained_on=None,
        whole=whole,
    )
    if trained.folder is None or (run is None and data is not None):
        return images
    if run is None:
        unknown = "it is not known which images the model was trained on"
        warnings = [f"{trained.folder} has no {SPLIT}, so {unknown}"]
    elif is_own:
        warnings = list(_missing(trained.folder, run, opened.split))
        images = replace(images, held_out=True, trained_on=0)
    else:
        images, warnings = _compared(images, run, differing)
    return replace(images, warnings=tuple(warnings))


def _compared(
    images: ScoredImages, run: SplitFile, differing: Sequence[str]
) -> tuple[ScoredImages, list[str]]:
    """Compare the images with those of a run, which has not chosen them."""
    split = images.data.split
    names = _names_in_run(run, split)
    if names is None:
        found = split.fingerprints(run.fingerprints)
        return images, [OTHER_CONTENT] if _are_most(found, run) else []
    count = sum(map(run.was_trained_on, names))
    is_exact = run.digest == split.digest or run.trained_on is not None
    images = replace(
        images,
        held_out=run.held_out_names.issuperset(names),
        trained_on=count if is_exact or not count else None,
    )
    if not count:
        return images, []
    most = "" if is_exact else "up to "
    warning = f"{most}{count:,} of the {len(names):,} images scored were trained on"
    if differing:
        differs = "differs" if len(differing) == 1 else "differ"
        warning = f"{' and '.join(differing)} {differs} from the run's, so {warning}"
    return images, [warning]


def _differing(own: CheckedRecipe, new: CheckedRecipe) -> list[str]:
    """The fields of a recipe by which it holds out other images than the run's."""
    values = [
        {
            field: _placed(checked, field, getattr(recipe_of(checked).data, field))
            for field in _SPLIT_FIELDS
        }
        for checked in (own, new)
    ]
    before, after = values
    return [f"data.{name}" for name in _SPLIT_FIELDS if before[name] != after[name]]


def _placed(checked: CheckedRecipe, field: str, value: object) -> object:
    """A value of a field; a path is resolved."""
    if field in {"folder", "dataset"} and isinstance(value, str):
        path = checked.place(value)
        return realpath(path) if path.exists() else value
    return value


def _missing(folder: Path, run: SplitFile, split: Split) -> Iterator[str]:
    """Warn of held-out images that are missing; a RecipeError (DS543) if all are."""
    total = len(run.held_out_names)
    missing = total - len(split.held_out)
    if not split.held_out:
        which = counted(total, "held-out image")
        reason = f"none of its {which} is in {split.name}"
        raise split_error(folder, reason)
    if missing:
        are = "is" if missing == 1 else "are"
        yield f"{missing:,} of the {total:,} images held out {are} missing"


def _names_in_run(run: SplitFile, split: Split) -> list[str] | None:
    """The names of the images to score in a run, "" if new; None for other data."""
    names = split.evaluated
    if run.source != split.source:
        return None
    if run.name == split.name or _is_copy(run, split):
        return names
    if run.source != "folder":
        return None
    top, own = (Path(realpath(each)).as_posix() for each in (split.name, run.name))
    start = f"{own}/"
    paths = [posixpath.normpath(posixpath.join(top, name)) for name in names]
    inside = [path[len(start) :] if path.startswith(start) else "" for path in paths]
    return inside if any(inside) else None


def _is_copy(run: SplitFile, split: Split) -> bool:
    """Whether other data has most of the held-out images, with the same content."""
    found = split.fingerprints(run.fingerprints)
    return found.items() <= run.fingerprints.items() and _are_most(found, run)


def _are_most(found: Collection[str], run: SplitFile) -> bool:
    return 2 * len(found) > len(run.fingerprints)
