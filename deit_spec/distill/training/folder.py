"""The folder of a run: what it holds, and whether a run may go there."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from deit_spec import published
from deit_spec.atomic_write import UNFINISHED, write_file
from deit_spec.distill.training.problems import (
    another_student,
    foreign,
    taken,
    unlike,
)
from deit_spec.recipe import CheckedRecipe, check_recipe
from deit_spec.recipe.checked_recipe import placed_function
from deit_spec.recipe.run_files import CLASSES, LOCK, METRICS, RECIPE, SPEC, TEACHER
from deit_spec.spec import DeiTSpec, Variant, check_spec

_QUIET = ("readout", "fusion", "drop_path")
"""Fields of `variant` that are warned of where they are written in vain."""
FREE = frozenset(
    {
        "data.unreadable",
        "data.workers",
        "run.checkpoint_every",
        "run.compile",
        "run.evaluate_every",
        "run.log_every",
        "run.parallel",
        "run.threads",
    }
)
"""Fields that a run which goes on may have otherwise: they change no result but by
rounding."""


def require_place(folder: Path, *, resume: bool) -> None:
    """Check that a run may use a folder; nothing is written.

    A teacher, the lock and temporary files that a killed run left are ignored.

    Raises:
        RunError: It holds a run that is not to be resumed, or something else.
        NotADirectoryError: It is a file.
    """
    if not folder.exists():
        return
    names = {
        each.name for each in folder.iterdir() if not each.name.endswith(UNFINISHED)
    }
    if {METRICS, RECIPE} & names:
        if not resume:
            raise taken(folder, "a run")
        return
    if others := sorted(names - {TEACHER, LOCK}):
        found = others[0] if len(others) == 1 else f"{others[0]} and more"
        raise foreign(folder, found) if resume else taken(folder, found)


def begin(checked: CheckedRecipe, folder: Path, classes: Sequence[str]) -> None:
    """Write the resolved recipe and spec, and the names of the classes.

    The recipe is written first: it marks the folder as that of a run.

    Raises:
        OSError: They cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for each in folder.glob(f"*{UNFINISHED}"):
        each.unlink(missing_ok=True)
    spec = _written(spec_of(checked))
    write_file(folder / RECIPE, as_yaml(resolved(checked)))
    write_file(folder / SPEC, as_yaml(spec))
    write_file(folder / CLASSES, json.dumps(classes, ensure_ascii=False) + "\n")


def _written(spec: DeiTSpec) -> dict[str, Any]:
    """All of a spec, but for what has no effect where nobody asked for it."""
    value: dict[str, Any] = spec.model_dump(mode="json", exclude={"extends"})
    for key in _QUIET:
        if value["variant"][key] == Variant.model_fields[key].default:
            del value["variant"][key]
    return value


def require_same(checked: CheckedRecipe, folder: Path) -> None:
    """See that a run which is there is of this recipe.

    Raises:
        RunError: It is of another one, or nothing says of which.
    """
    has_trained = (folder / METRICS).exists()
    if not (folder / RECIPE).exists():
        if has_trained:
            raise foreign(folder, f"a run without its {RECIPE}")
        return
    if not (folder / SPEC).exists() and not has_trained:
        return  # it was killed before it had written its spec
    earlier = check_recipe(folder / RECIPE)
    if earlier.recipe is None:
        raise foreign(folder, f"{RECIPE}, which has errors")
    now = dict(flat(resolved(checked)))
    then = dict(flat(resolved(earlier)))
    differing = {
        field: json.dumps(then.get(field))
        for field, value in now.items()
        if field not in FREE and then.get(field) != value
    }
    if differing:
        raise unlike(checked, folder, differing)
    spec = check_spec(folder / SPEC).spec
    if spec is None or spec.digest != spec_of(checked).digest:
        raise another_student(checked, folder)


def resolved(checked: CheckedRecipe) -> dict[str, Any]:
    """A recipe with every default in it, and with paths that hold everywhere.

    Its student is the spec beside it.
    """
    assert checked.recipe is not None  # noqa: S101  -- the caller has looked
    value: dict[str, Any] = checked.recipe.model_dump(mode="json")
    value["student"]["spec"] = SPEC
    for section, key in (
        ("student", "weights"),
        ("teacher", "weights"),
        ("teacher", "spec"),
        ("data", "folder"),
        ("data", "dataset"),
    ):
        part = value[section]
        if part is not None and part[key] is not None:
            part[key] = _placed(checked, part[key], kind=key)
    teacher = value["teacher"]
    if teacher is not None and teacher["python"] is not None:
        teacher["python"] = placed_function(checked, teacher["python"])
    return value


def _placed(checked: CheckedRecipe, name: str, *, kind: str) -> str:
    if kind == "spec" and name in published.names():
        return name
    path = checked.place(name)
    if kind == "dataset" and not path.exists():  # the name of one elsewhere
        return name
    return str(path.absolute())


def spec_of(checked: CheckedRecipe) -> DeiTSpec:
    """The student's spec."""
    assert checked.student is not None  # noqa: S101  -- the caller has looked
    assert checked.student.spec is not None  # noqa: S101
    return checked.student.spec


def as_yaml(value: Mapping[str, Any], indent: str = "") -> str:
    """Write a mapping of mappings and JSON values as YAML.

    >>> print(as_yaml({"run": {"seed": 0, "ema": None}}), end="")
    run:
      seed: 0
      ema: null
    """
    lines = []
    for key, each in value.items():
        if isinstance(each, Mapping):
            lines.append(f"{indent}{key}:\n{as_yaml(each, indent + '  ')}")
        else:
            lines.append(f"{indent}{key}: {json.dumps(each, ensure_ascii=False)}\n")
    return "".join(lines)


def flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a mapping of mappings, by dotted name."""
    for key, each in value.items():
        if isinstance(each, Mapping):
            yield from flat(each, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", each
