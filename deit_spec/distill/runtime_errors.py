"""The errors of data, teachers and runs that appear only when a recipe is used."""

import errno
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deit_spec.diagnostics import DiagnosedError, Label, Span, diagnose
from deit_spec.diagnostics.printable import first_line_of, listed, reason_of
from deit_spec.distill.optional_packages import MissingPackageError
from deit_spec.recipe import CheckedRecipe, Recipe, RecipeError
from deit_spec.recipe.run_files import last_checkpoint
from deit_spec.spec import DeiTSpec

OTHER_FOLDER = "`-o` names another folder"
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


class DataError(RecipeError):
    """Images or a teacher cannot be used. `diagnostics` holds every finding."""

    headline = "training cannot continue"


class RunError(DiagnosedError, RuntimeError):
    """A run cannot begin or continue. `diagnostics` holds every finding."""


def recipe_of(checked: CheckedRecipe) -> Recipe:
    """The recipe; a DataError if it has errors."""
    if checked.recipe is None:
        raise DataError(checked.diagnostics)
    return checked.recipe


def student_of(checked: CheckedRecipe) -> DeiTSpec:
    """The spec of the student; a DataError if the recipe has errors."""
    if checked.student is None or checked.student.spec is None:
        raise DataError(checked.diagnostics)
    return checked.student.spec


def data_error(  # noqa: PLR0913  -- the parts of a diagnostic
    checked: CheckedRecipe,
    field: str,
    code: str,
    message: str,
    *,
    label: str = "",
    secondary: Iterable[Label] = (),
    notes: Iterable[str] = (),
    help_: str | None = None,
) -> DataError:
    """Make an error with one finding at a field of the recipe."""
    helps = [help_] if help_ else []
    span = Label(checked.span(field), label)
    return DataError(
        [diagnose(code, message, span, secondary=secondary, notes=notes, helps=helps)]
    )


def run_error(  # noqa: PLR0913  -- the parts of a diagnostic
    place: Path | Span,
    code: str,
    message: str,
    *,
    label: str = "",
    notes: Iterable[str] = (),
    help_: str | None = None,
) -> RunError:
    """Make an error with one finding at a place in the recipe, or at a folder."""
    span = Span.of_file(place) if isinstance(place, Path) else place
    helps = [help_] if help_ else []
    return RunError(
        [diagnose(code, message, Label(span, label), notes=notes, helps=helps)]
    )


def unreadable_images(checked: CheckedRecipe, names: Sequence[str]) -> DataError:
    """DS524: more images were unreadable than allowed; `names` are all of them."""
    count = "an image is" if len(names) == 1 else f"{len(names)} images are"
    return data_error(
        checked,
        "data.unreadable",
        "DS524",
        f"{count} unreadable, and the recipe allows {len(names) - 1}",
        notes=[f"unreadable: {listed(names)}"],
        help_=f"fix the files, or set `data.unreadable: {len(names)}`",
    )


def unusable_dataset(
    checked: CheckedRecipe,
    reason: str,
    field: str = "data.dataset",
    help_: str | None = None,
) -> DataError:
    """DS525: `datasets` cannot load it, or it has no labelled images."""
    message = f"the dataset cannot be used: {reason}"
    help_ = help_ or "use a dataset that has images, and labels as a `ClassLabel`"
    return data_error(checked, field, "DS525", message, help_=help_)


def split_overlaps(checked: CheckedRecipe, name: str) -> DataError:
    """DS542: the split to hold out is the split to train on."""
    message = f"the images of {name} are both trained on and held out"
    help_ = "`data.val` names another split"
    return data_error(checked, "data.val", "DS542", message, help_=help_)


def unusable_teacher(
    checked: CheckedRecipe, field: str, reason: str, help_: str | None = None
) -> DataError:
    """DS527: the network of a teacher cannot be created or called."""
    message = f"the teacher cannot be used: {reason}"
    help_ = help_ or f"change `{field}`"
    return data_error(checked, field, "DS527", message, help_=help_)


def missing_package(
    checked: CheckedRecipe, field: str, error: MissingPackageError
) -> DataError:
    """DS528: a package that a field needs is not installed or cannot be imported."""
    package = error.package
    message = f"{field} needs {package}, which is not installed"
    help_ = f"`{error.install}`"
    if error.reason is not None:
        message = f"{field} needs {package}, which cannot be imported: {error.reason}"
        help_ = f"reinstall {package} and its dependencies for the installed torch"
    return data_error(checked, field, "DS528", message, help_=help_)


def folder_in_use(folder: Path) -> RunError:
    """DS536: another process is training in a folder."""
    help_ = f"wait for it or stop it; {OTHER_FOLDER}"
    return run_error(folder, "DS536", "another run is using this folder", help_=help_)


def not_finite(checked: CheckedRecipe, what: str, step: int, folder: Path) -> RunError:
    """DS531: the loss, a gradient, a weight or a score is not finite after a step."""
    rate = recipe_of(checked).peak_lr
    return run_error(
        checked.span("optimizer.lr"),
        "DS531",
        f"{what} after step {step}",
        label=f"the highest learning rate is {rate:g}",
        notes=[_last_checkpoint(folder)],
        help_="a lower `optimizer.lr`, a longer warm-up, or `optimizer.clip: 1.0`",
    )


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Report an OSError in the block, such as a full disk, as DS532."""
    try:
        yield
    except OSError as error:
        help_ = "`-o` names a folder that is writable"
        if error.errno in _DISK_FULL:
            help_ = "free disk space, and continue with `--resume`"
        raise run_error(
            Path(error.filename or folder),
            "DS532",
            f"the run cannot be written: {reason_of(error)}",
            notes=[_last_checkpoint(folder)],
            help_=help_,
        ) from error


@contextmanager
def enough_memory(checked: CheckedRecipe, folder: Path) -> Iterator[None]:
    """Report that memory ran out in the block as DS537."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        batch = recipe_of(checked).schedule.batch_size
        raise run_error(
            checked.span("schedule.batch_size"),
            "DS537",
            f"a step of {batch} images needs more memory than is available",
            notes=[first_line_of(error), _last_checkpoint(folder)],
            help_="a larger `run.accumulate`, or a smaller `schedule.batch_size`",
        ) from error


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out; on the CPU torch raises a RuntimeError for that."""
    found = any(words in str(error).lower() for words in _OUT_OF_MEMORY)
    return found or isinstance(error, MemoryError)


def _last_checkpoint(folder: Path) -> str:
    path = last_checkpoint(folder)
    return f"the last checkpoint is {path}" if path else "there is no checkpoint yet"
