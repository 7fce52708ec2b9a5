"""What ends a run, as findings at their place in the recipe."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deit_spec.diagnostics import DiagnosedError, Label, Span, diagnose
from deit_spec.diagnostics.printable import first_line_of, reason_of
from deit_spec.distill.training.names import find_last
from deit_spec.recipe import CheckedRecipe

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_ROOM = "make room, and go on with `--resume`"
_ELSEWHERE = "give a folder that can be written to with `-o`"
_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


class RunError(DiagnosedError, RuntimeError):
    """A run cannot begin, or cannot go on. `diagnostics` holds every finding."""


def taken(folder: Path, found: str, what: str = "run") -> RunError:
    """DS533: a folder is not empty."""
    again = "`--resume` goes on with it; " if found == "a run" else ""
    return RunError(
        [
            diagnose(
                "DS533",
                f"the folder of a new {what} holds {found}",
                Label(Span.of_file(folder)),
                helps=[f"{again}`-o` names another folder"],
            )
        ]
    )


def foreign(folder: Path, found: str) -> RunError:
    """DS534: a folder holds something, and no run."""
    return RunError(
        [
            diagnose(
                "DS534",
                f"the folder holds {found}, and no run to go on with",
                Label(Span.of_file(folder)),
                helps=["`-o` names the folder of a run, or one that is empty"],
            )
        ]
    )


def in_use(folder: Path) -> RunError:
    """DS536: another run is under way in a folder."""
    return RunError(
        [
            diagnose(
                "DS536",
                "another process is training in this folder",
                Label(Span.of_file(folder)),
                helps=["wait for it, or stop it first; `-o` names another folder"],
            )
        ]
    )


def unlike(checked: CheckedRecipe, folder: Path, fields: dict[str, str]) -> RunError:
    """DS535: a run is of another recipe; `fields` say what it has."""
    other = "begin a run in another folder with `-o`"
    return RunError(
        diagnose(
            "DS535",
            f"the run in {folder} has {field} {theirs}",
            Label(checked.span(field)),
            helps=[f"`{field}: {theirs}`, or {other}"],
        )
        for field, theirs in fields.items()
    )


def another_student(checked: CheckedRecipe, folder: Path) -> RunError:
    """DS535: the spec of a run says other things than that of the recipe."""
    return RunError(
        [
            diagnose(
                "DS535",
                f"the student of the run in {folder} is another model",
                Label(checked.span("student.spec")),
                notes=[f"{folder / 'spec.yaml'} is its spec"],
                helps=["begin a run in another folder with `-o`"],
            )
        ]
    )


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say of a full disk and the like what it means to a run.

    Raises:
        RunError: DS532, where there is an OSError within.
    """
    try:
        yield
    except OSError as error:
        raise not_written(folder, error) from error


def not_written(folder: Path, error: OSError) -> RunError:
    """DS532: the disk is full, or the like."""
    kept = find_last(folder)
    reason = reason_of(error)
    return RunError(
        [
            diagnose(
                "DS532",
                f"the run cannot be written: {reason}",
                Label(Span.of_file(Path(error.filename or folder))),
                notes=[_left(kept)],
                helps=[_ROOM if error.errno in _FULL else _ELSEWHERE],
            )
        ]
    )


@contextmanager
def enough_memory(checked: CheckedRecipe, folder: Path) -> Iterator[None]:
    """Say of what does not fit into memory what it means to a run.

    Raises:
        RunError: DS537, where memory runs out within.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_of_memory(error):
            raise
        raise _too_large(checked, folder, first_line_of(error)) from error


def is_of_memory(error: Exception) -> bool:
    """Whether it says that memory has run out; torch says so of the CPU in words."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return any(words in text for words in _NO_MEMORY)


def _too_large(checked: CheckedRecipe, folder: Path, reason: str) -> RunError:
    recipe = checked.recipe
    assert recipe is not None  # noqa: S101  -- the caller has looked
    batch, parts = recipe.schedule.batch_size, recipe.run.accumulate
    in_parts = f" in {parts} parts" if parts > 1 else ""
    more = next((n for n in range(2 * parts, batch + 1) if batch % n == 0), None)
    halved = f"`run.accumulate: {more}` for smaller parts of it, or " if more else ""
    return RunError(
        [
            diagnose(
                "DS537",
                f"a step of {batch} images{in_parts} needs more memory than there is",
                Label(checked.span("schedule.batch_size")),
                notes=[reason, _left(find_last(folder))],
                helps=[f"{halved}a smaller `schedule.batch_size`"],
            )
        ]
    )


def not_finite(
    checked: CheckedRecipe, what: str, steps: tuple[int, int], folder: Path
) -> RunError:
    """DS531: the loss or a weight is no number."""
    first, last = steps
    between = f"in step {last}" if first == last else f"in steps {first} to {last}"
    rate = checked.recipe.peak_lr if checked.recipe else 0
    return RunError(
        [
            diagnose(
                "DS531",
                f"{what} {between}",
                Label(checked.span("optimizer.lr"), f"the highest rate is {rate:g}"),
                notes=[_left(find_last(folder))],
                helps=[
                    "a lower `optimizer.lr`, a longer warm-up, or `optimizer.clip: 1.0`"
                ],
            )
        ]
    )


def require_equal_parts(checked: CheckedRecipe, world: int) -> None:
    """DS513: see that processes share a batch equally.

    Raises:
        RunError: They do not.
    """
    assert checked.recipe is not None  # noqa: S101  -- the caller has looked
    batch, parts = checked.recipe.schedule.batch_size, checked.recipe.run.accumulate
    if batch % (world * parts) == 0:
        return
    what = f"{world} processes" if parts == 1 else f"{world} processes of {parts} parts"
    raise RunError(
        [
            diagnose(
                "DS513",
                f"a batch of {batch} images does not divide into {what}",
                Label(checked.span("schedule.batch_size")),
            )
        ]
    )


def _left(kept: Path | None) -> str:
    return "no checkpoint was written" if kept is None else f"{kept} is as it was"
