"""The folder of a run: who may use it, and the files that a run begins with."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deit_spec import published
from deit_spec.atomic_write import UNFINISHED, write_file
from deit_spec.diagnostics import Label, diagnose
from deit_spec.distill import runtime_errors as errors
from deit_spec.distill.runtime_errors import OTHER_FOLDER, RunError, run_error
from deit_spec.distill.training.optimizer import make_schedule
from deit_spec.distill.training.processes import Processes
from deit_spec.recipe import CheckedRecipe, check_recipe
from deit_spec.recipe import run_files as files
from deit_spec.recipe.checked_recipe import placed_function
from deit_spec.recipe.run_files import METRICS, RECIPE, SPEC
from deit_spec.recipe.run_records import read_classes
from deit_spec.recipe.split_file import SplitFile, read_split
from deit_spec.spec import check_spec
from deit_spec.weights.spec_metadata import resolved_spec
from deit_spec.yaml_source.scalars import key_text

LOCK_SECONDS = 10.0
"""How long to wait for the lock; a worker of a killed run may still hold it."""
FREE = {
    "data.unreadable",
    "data.workers",
    "run.checkpoint_every",
    "run.compile",
    "run.device",
    "run.evaluate_every",
    "run.gradient_checkpointing",
    "run.log_every",
    "run.parallel",
    "run.threads",
    "run.trackers",
}
"""Fields that may differ in a resumed run: they change results by rounding at most.

`run.evaluate_every` may not if evaluations decide on the result.
"""


LENGTH = {"schedule.epochs", "schedule.steps"}
"""Fields that may differ if the learning rates of the steps that are done do not."""


def require_folder(folder: Path, *, resume: bool) -> None:
    """Check that a run may use a folder; a teacher and temporary files are ignored."""
    if not folder.exists():
        return
    names = {each.name for each in folder.iterdir() if each.suffix != UNFINISHED}
    if {METRICS, RECIPE} & names:
        if resume:
            return
        message = "the run folder already contains a run"
        help_ = f"`--resume` continues it; {OTHER_FOLDER}"
        raise run_error(folder, "DS533", message, help_=help_)
    if others := sorted(names - {files.TEACHER, files.LOCK}):
        content = others[0] if len(others) == 1 else f"{others[0]} and other files"
        if resume:
            raise _not_a_run(folder, content)
        message = f"the run folder is not empty: it contains {content}"
        raise run_error(folder, "DS533", message, help_=OTHER_FOLDER)


def _not_a_run(folder: Path, content: str) -> RunError:
    message = f"the folder contains {content} but no run to resume"
    help_ = "`-o` names the folder of a run, or an empty one"
    return run_error(folder, "DS534", message, help_=help_)


def require_same_recipe(checked: CheckedRecipe, folder: Path) -> None:
    """Check that a folder has no run, or a run of this recipe."""
    if not _has_begun(folder):
        return
    if not (folder / RECIPE).exists():
        raise _not_a_run(folder, f"a run without its {RECIPE}")
    earlier = check_recipe(folder / RECIPE)
    if earlier.recipe is None:
        raise _not_a_run(folder, f"{RECIPE}, which has errors")
    current = dict(_leaves(_run_recipe(checked)))
    previous = dict(_leaves(_run_recipe(earlier)))
    free = FREE | LENGTH
    if errors.recipe_of(checked).run.compares_evaluations:
        free.remove("run.evaluate_every")
    differing = {
        field: json.dumps(previous.get(field))
        for field, value in current.items()
        if field not in free and previous.get(field) != value
    }
    if differing:
        raise RunError(
            diagnose(
                "DS535",
                f"the run in {folder} has {field} {value}",
                _place(checked, field),
                notes=_default(current[field], checked, field),
                helps=[f"`{field}: {value}`; or start a new run: {OTHER_FOLDER}"],
            )
            for field, value in differing.items()
        )
    spec = check_spec(folder / SPEC).spec
    if spec is None or spec.digest != errors.student_of(checked).digest:
        raise run_error(
            checked.span("student.spec"),
            "DS535",
            f"the student of the run in {folder} is another model",
            notes=[f"its spec is {folder / SPEC}"],
            help_=f"start a new run: {OTHER_FOLDER}",
        )


def _place(checked: CheckedRecipe, field: str) -> Label:
    """Point at a field, or at the key of the section that it is missing from."""
    path, document = tuple(field.split(".")), checked.document
    if document is None or path in document.spans or path[:1] not in document.spans:
        return Label(checked.span(field))
    return Label(document.nearest(path).key)


def _default(value: object, checked: CheckedRecipe, field: str) -> list[str]:
    """Note the value of a field that the recipe does not set."""
    document = checked.document
    if document is None or tuple(field.split(".")) in document.spans:
        return []
    return [f"`{field}` is {json.dumps(value)} by default"]


def require_same_rates(
    checked: CheckedRecipe, folder: Path, steps_per_epoch: int
) -> None:
    """DS535: a run of another length has the learning rates of the steps done."""
    recipe = errors.recipe_of(checked)
    earlier = check_recipe(folder / RECIPE).recipe if _has_begun(folder) else None
    if earlier is None or recipe.schedule == earlier.schedule:
        return
    new, old = (make_schedule(each, steps_per_epoch) for each in (recipe, earlier))
    last = files.last_checkpoint(folder)
    done = 0 if last is None else files.checkpoint_step(last) or 0
    if done <= new.steps and all(new.rate(i) == old.rate(i) for i in range(done)):
        return
    message = f"the run in {folder} has taken {done:,} steps, more than {new.steps:,}"
    notes, help_ = [], "as many steps, or more"
    if done <= new.steps:
        message = f"the learning rates of the {done:,} steps of the run in {folder} "
        message += f"depend on its length, {old.steps:,} steps"
        notes = ["they do not if `schedule.min_lr` is equal to the peak"]
        weights = folder
        if not folder.is_absolute():  # paths in a recipe are relative to it
            weights = Path(os.path.relpath(folder, checked.place("")))
        help_ = f"to train further, start a new run with `student.weights: {weights}`"
    field = "schedule.epochs" if recipe.schedule.steps is None else "schedule.steps"
    place, label = checked.span(field), f"{new.steps:,} steps"
    help_ += f"; {OTHER_FOLDER}"
    raise run_error(place, "DS535", message, label=label, notes=notes, help_=help_)


def classes_of_run(folder: Path) -> tuple[str, ...] | None:
    """The class names of a run to resume; None if there is none, or it has no names."""
    path = folder / files.CLASSES
    return read_classes(path) if _has_begun(folder) and path.exists() else None


def _has_begun(folder: Path) -> bool:
    """Whether a run wrote a line or a checkpoint; else it begins again."""
    return (folder / METRICS).exists() or files.last_checkpoint(folder) is not None


@contextmanager
def locked(folder: Path, processes: Processes | None = None) -> Iterator[None]:
    """Keep other runs out of a folder; the main process holds the lock for all."""
    from filelock import FileLock, Timeout  # noqa: PLC0415  -- of the extra `train`

    lock = FileLock(folder / files.LOCK)
    is_taken = False
    if processes is None or processes.main:
        try:
            lock.acquire(timeout=LOCK_SECONDS)
        except Timeout:
            is_taken = True
    if processes.any(is_taken) if processes else is_taken:
        raise errors.folder_in_use(folder)
    try:
        yield
    finally:
        lock.release()


def require_same_images(checked: CheckedRecipe, folder: Path, split: SplitFile) -> None:
    """DS535: the images of a run to resume are those that it began with."""
    earlier = read_split(folder) if _has_begun(folder) else None
    if earlier is None or earlier.digest == split.digest:
        return
    raise run_error(
        checked.span(f"data.{split.source}"),
        "DS535",
        f"the run in {folder} began with other images",
        notes=["images have been added, removed or renamed since it began"],
        help_=f"restore the images, or start a new run: {OTHER_FOLDER}",
    )


def begin_run(
    checked: CheckedRecipe, folder: Path, classes: Sequence[str], split: SplitFile
) -> None:
    """Write the resolved recipe, which marks the folder, then the other inputs."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in folder.glob(f"*{UNFINISHED}"):
        each.unlink(missing_ok=True)
    write_file(folder / RECIPE, as_yaml(_run_recipe(checked)))
    write_file(folder / SPEC, as_yaml(resolved_spec(errors.student_of(checked))))
    names = json.dumps(classes, ensure_ascii=False)
    write_file(folder / files.CLASSES, f"{names}\n")
    write_file(folder / files.SPLIT, split.text())


def _run_recipe(checked: CheckedRecipe) -> dict[str, Any]:
    """The resolved recipe, whose student is the spec beside it."""
    value = resolved_recipe(checked)
    value["student"]["spec"] = SPEC
    return value


def resolved_recipe(checked: CheckedRecipe) -> dict[str, Any]:
    """A recipe with all defaults, and with absolute paths."""
    value: dict[str, Any] = errors.recipe_of(checked).model_dump(mode="json")
    for section, key, path in recipe_paths(checked):
        value[section][key] = str(path.absolute())
    teacher = value["teacher"]
    if teacher is not None and teacher["python"] is not None:
        teacher["python"] = placed_function(checked, teacher["python"])
    return value


def settings_by_name(checked: CheckedRecipe) -> dict[str, Any]:
    """The resolved recipe by dotted name, such as `optimizer.lr`; lists as JSON."""
    return {
        name: json.dumps(value) if isinstance(value, list) else value
        for name, value in _leaves(resolved_recipe(checked))
    }


def recipe_paths(checked: CheckedRecipe) -> Iterator[tuple[str, str, Path]]:
    """The section, key and path of each field of a recipe that is a path."""
    recipe = errors.recipe_of(checked)
    for section, key in (
        ("student", "spec"),
        ("student", "weights"),
        ("teacher", "spec"),
        ("teacher", "weights"),
        ("data", "folder"),
        ("data", "dataset"),
        ("data", "classes"),
    ):
        name = getattr(getattr(recipe, section), key, None)
        if not isinstance(name, str) or (key == "spec" and name in published.names()):
            continue
        path = checked.place(name)
        if key != "dataset" or path.exists():
            yield section, key, path


def as_yaml(value: Mapping[str, Any], indent: str = "") -> str:
    """Write a mapping of mappings and JSON values as YAML."""
    lines = []
    for name, each in value.items():
        key = key_text(name)  # a class may be named `3`
        if isinstance(each, Mapping) and each:
            lines.append(f"{indent}{key}:\n{as_yaml(each, indent + '  ')}")
        else:
            lines.append(f"{indent}{key}: {json.dumps(each, ensure_ascii=False)}\n")
    return "".join(lines)


def _leaves(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a mapping of mappings, by dotted name."""
    for key, each in value.items():
        if isinstance(each, Mapping):
            yield from _leaves(each, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", each
