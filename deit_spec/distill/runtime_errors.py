"""The errors of data, teachers and runs that appear only when a recipe is used.

Each function makes an error whose diagnostic points to its field in the recipe, or to
the folder of the run.
"""

import errno
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deit_spec.diagnostics import DiagnosedError, Label, Span, diagnose
from deit_spec.diagnostics.printable import first_line_of, reason_of
from deit_spec.recipe import CheckedRecipe, Recipe, RecipeError
from deit_spec.recipe.run_files import last_checkpoint
from deit_spec.spec import DeiTSpec

MAX_LISTED = 5
"""How many files or fields a message lists."""
_OTHER_FOLDER = "`-o` names another folder"
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


class DataError(RecipeError):
    """Images or a teacher cannot be used. `diagnostics` holds every finding."""

    headline = "training cannot continue"


class RunError(DiagnosedError, RuntimeError):
    """A run cannot begin or continue. `diagnostics` holds every finding."""


def recipe_of(checked: CheckedRecipe) -> Recipe:
    """The recipe.

    Raises:
        DataError: It has errors.
    """
    if checked.recipe is None:
        raise DataError(checked.diagnostics)
    return checked.recipe


def student_of(checked: CheckedRecipe) -> DeiTSpec:
    """The spec of the student.

    Raises:
        DataError: The recipe has errors.
    """
    if checked.student is None or checked.student.spec is None:
        raise DataError(checked.diagnostics)
    return checked.student.spec


def listed(items: Iterable[object]) -> str:
    """List the first few items, and count the others.

    >>> listed("abcdefg")
    'a, b, c, d, e and 2 more'
    """
    names = list(map(str, items))
    more = len(names) - MAX_LISTED
    return ", ".join(names[:MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


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


def missing_data_folder(checked: CheckedRecipe, folder: Path) -> DataError:
    """DS521: the folder of images does not exist."""
    return data_error(
        checked,
        "data.folder",
        "DS521",
        "the folder of images does not exist",
        notes=[f"looked for {folder}"],
        help_="`--set data.folder=PATH` uses another one",
    )


def no_classes(checked: CheckedRecipe, folder: Path) -> DataError:
    """DS522: the folder of images has no class folders."""
    return data_error(
        checked,
        "data.folder",
        "DS522",
        f"{folder} has no folder of a class",
        help_="put the images of each class into a folder with its name",
    )


def empty_class(checked: CheckedRecipe, folders: Sequence[Path]) -> DataError:
    """DS523: one or more class folders have no images."""
    return data_error(
        checked,
        "data.folder",
        "DS523",
        f"there are no images in {listed(folders)}",
        help_="put images of the class there, or remove the folder",
    )


def too_few_images(
    checked: CheckedRecipe, field: str, wanted: int, count: int
) -> DataError:
    """DS517: a recipe asks for more images than there are."""
    use = "hold out" if field == "val_images" else "train on"
    images = "image" if count == 1 else "images"
    message = f"the recipe asks to {use} {wanted} of {count} {images}"
    return data_error(checked, f"data.{field}", "DS517", message)


def unreadable_images(checked: CheckedRecipe, names: Sequence[str]) -> DataError:
    """DS524: more images were unreadable than allowed; `names` are all of them."""
    allowed = len(names) - 1
    count = f"{len(names)} images are" if allowed else "an image is"
    return data_error(
        checked,
        "data.unreadable",
        "DS524",
        f"{count} unreadable, and the recipe allows {allowed}",
        notes=[f"unreadable: {listed(names)}"],
        help_=f"fix the files, or set `data.unreadable: {len(names)}`",
    )


def no_readable_images(
    checked: CheckedRecipe, count: int, names: Sequence[str]
) -> DataError:
    """DS524: none of the held-out images is readable, although all may be skipped."""
    return data_error(
        checked,
        "data",
        "DS524",
        f"all {count:,} held-out images are unreadable",
        label="there is nothing to evaluate on",
        notes=[f"unreadable: {listed(names)}"],
        help_="fix the files, or hold out others",
    )


def unusable_dataset(checked: CheckedRecipe, reason: str) -> DataError:
    """DS525: `datasets` cannot load it, or it has no labelled images."""
    return data_error(
        checked,
        "data.dataset",
        "DS525",
        f"the dataset cannot be used: {reason}",
        help_="use a dataset that has images, and labels as a `ClassLabel`",
    )


def code_not_allowed(checked: CheckedRecipe) -> DataError:
    """DS526: `teacher.python` without `--allow-code`."""
    return data_error(
        checked,
        "teacher.python",
        "DS526",
        "the teacher is Python code, which is not allowed to run",
        help_="read the code; `--allow-code` runs it",
    )


def unusable_teacher(
    checked: CheckedRecipe, field: str, reason: str, help_: str | None = None
) -> DataError:
    """DS527: the network of a teacher cannot be created or called."""
    message = f"the teacher cannot be used: {reason}"
    help_ = help_ or f"change `{field}`"
    return data_error(checked, field, "DS527", message, help_=help_)


def missing_package(
    checked: CheckedRecipe, field: str, package: str, reason: str | None = None
) -> DataError:
    """DS528: a package that a field needs is not installed or cannot be imported."""
    if reason is None:
        message = f"{field} needs {package}, which is not installed"
        help_ = '`pip install "deit-spec[train]"`'
    else:
        message = f"{field} needs {package}, which cannot be imported: {reason}"
        help_ = f"reinstall {package} and its dependencies for the installed torch"
    return data_error(checked, field, "DS528", message, help_=help_)


def other_data_classes(checked: CheckedRecipe, field: str, classes: int) -> DataError:
    """DS509: the dataset has another number of classes than the class head."""
    heads = student_of(checked).num_classes
    return data_error(
        checked,
        "student.spec",
        "DS509",
        f"the class head has {heads} classes, and the data have {classes}",
        label=f"{heads} classes",
        secondary=[Label(checked.span(field), f"{classes} classes")],
        help_=f"`num_classes: {classes}` in the spec of the student",
    )


def other_teacher_classes(
    checked: CheckedRecipe, field: str, classes: int
) -> DataError:
    """DS510: the teacher has another number of classes than the head it trains."""
    spec = student_of(checked)
    head, name = "the only head", "num_classes"
    if spec.has_two_heads:
        head, name = "the distillation head", "teacher_num_classes"
    heads = getattr(spec, name)
    return data_error(
        checked,
        field,
        "DS510",
        f"{head} has {heads} classes, and the teacher has {classes}",
        label=f"{classes} classes",
        secondary=[Label(checked.span("student.spec"), f"{heads} classes")],
        help_=f"`{name}: {classes}` in the spec of the student",
    )


def folder_taken(folder: Path, content: str, what: str = "run") -> RunError:
    """DS533: the folder of a new run or study has other content."""
    resume = "`--resume` continues it; " if content == "a run" else ""
    message = f"the folder of a new {what} contains {content}"
    return _run_error(folder, "DS533", message, help_=f"{resume}{_OTHER_FOLDER}")


def not_a_run(folder: Path, content: str) -> RunError:
    """DS534: the folder of a run to resume does not contain a run."""
    message = f"the folder contains {content}, and no run to resume"
    help_ = "`-o` names the folder of a run, or an empty one"
    return _run_error(folder, "DS534", message, help_=help_)


def folder_in_use(folder: Path) -> RunError:
    """DS536: another process is training in a folder."""
    message = "another run is using this folder"
    help_ = f"wait for it or stop it; {_OTHER_FOLDER}"
    return _run_error(folder, "DS536", message, help_=help_)


def other_recipe(
    checked: CheckedRecipe, folder: Path, fields: dict[str, str]
) -> RunError:
    """DS535: a run has another recipe; `fields` are the values of the run."""
    return RunError(
        diagnose(
            "DS535",
            f"the run in {folder} has {field} {value}",
            Label(checked.span(field)),
            helps=[f"`{field}: {value}`; or begin another run: {_OTHER_FOLDER}"],
        )
        for field, value in fields.items()
    )


def other_student(checked: CheckedRecipe, folder: Path) -> RunError:
    """DS535: a run has another student."""
    return _run_error(
        checked.span("student.spec"),
        "DS535",
        f"the student of the run in {folder} is another model",
        notes=[f"its spec is {folder / 'spec.yaml'}"],
        help_=f"begin another run: {_OTHER_FOLDER}",
    )


def unequal_shares(checked: CheckedRecipe, world: int) -> RunError:
    """DS513: a batch cannot be divided equally among the processes."""
    recipe = recipe_of(checked)
    batch, parts = recipe.schedule.batch_size, recipe.run.accumulate
    by = f"{world} processes" if parts == 1 else f"{world} processes × {parts} parts"
    message = f"a batch of {batch} images is not divisible by {by}"
    return _run_error(checked.span("schedule.batch_size"), "DS513", message)


def not_finite(
    checked: CheckedRecipe, what: str, steps: tuple[int, int], folder: Path
) -> RunError:
    """DS531: the loss, a gradient, a weight or a score is not finite.

    `steps` are the first and the last in which it can have happened.
    """
    first, last = steps
    when = f"in step {last}" if first == last else f"in steps {first} to {last}"
    rate = recipe_of(checked).peak_lr
    return _run_error(
        checked.span("optimizer.lr"),
        "DS531",
        f"{what} {when}",
        label=f"the highest learning rate is {rate:g}",
        notes=[_last_checkpoint(folder)],
        help_="a lower `optimizer.lr`, a longer warm-up, or `optimizer.clip: 1.0`",
    )


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Report an OSError in the block, such as a full disk, as DS532.

    Raises:
        RunError: There was an OSError.
    """
    try:
        yield
    except OSError as error:
        is_full = error.errno in _DISK_FULL
        raise _run_error(
            Path(error.filename or folder),
            "DS532",
            f"the run cannot be written: {reason_of(error)}",
            notes=[_last_checkpoint(folder)],
            help_="free disk space, and continue with `--resume`"
            if is_full
            else "`-o` names a folder that is writable",
        ) from error


@contextmanager
def enough_memory(checked: CheckedRecipe, folder: Path) -> Iterator[None]:
    """Report that memory ran out in the block as DS537.

    Raises:
        RunError: Memory ran out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        recipe = recipe_of(checked)
        batch, parts = recipe.schedule.batch_size, recipe.run.accumulate
        in_parts = f" in {parts} parts" if parts > 1 else ""
        more = next((n for n in range(2 * parts, batch + 1) if batch % n == 0), None)
        accumulate = f"`run.accumulate: {more}` for smaller parts, or " if more else ""
        raise _run_error(
            checked.span("schedule.batch_size"),
            "DS537",
            f"a step of {batch} images{in_parts} needs more memory than there is",
            notes=[first_line_of(error), _last_checkpoint(folder)],
            help_=f"{accumulate}a smaller `schedule.batch_size`",
        ) from error


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out; on the CPU torch raises a RuntimeError for that."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return any(words in text for words in _OUT_OF_MEMORY)


def _run_error(  # noqa: PLR0913  -- the parts of a diagnostic
    place: Path | Span,
    code: str,
    message: str,
    *,
    label: str = "",
    notes: Iterable[str] = (),
    help_: str | None = None,
) -> RunError:
    span = Span.of_file(place) if isinstance(place, Path) else place
    helps = [help_] if help_ else []
    return RunError(
        [diagnose(code, message, Label(span, label), notes=notes, helps=helps)]
    )


def _last_checkpoint(folder: Path) -> str:
    path = last_checkpoint(folder)
    return f"the last checkpoint is {path}" if path else "there is no checkpoint yet"
