"""The runs of a study, each with its recipe and a hash of all that decides it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from deit_spec import published
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.overrides import apply, override_at
from deit_spec.recipe.recipe_validation import check
from deit_spec.recipe.study_validation import CheckedStudy, Study
from deit_spec.version import __version__

TAUGHT = "digits_convnet"
UNTAUGHT = "true_labels"
IDLE = {
    "data": ("unreadable", "workers"),
    "run": ("checkpoint_every", "evaluate_every", "log_every"),
}
"""What decides nothing about what a run comes to."""


@dataclass(frozen=True)
class Planned:
    """A run to be made: its recipe, and a hash of all that decides what it comes to.

    But for code, and for what is in a folder of images or in a dataset: of these the
    hash has the name alone. It has the version of this package.

    `teacher` is the hash of what decides its teacher, of whom runs share one; None
    where there is no network to learn from. `is_taught` says that it is trained
    first.
    """

    arm: str
    images: int
    seed: int
    recipe: CheckedRecipe = field(compare=False)
    key: str
    teacher: str | None
    is_taught: bool

    @property
    def name(self) -> str:
        """What the folder of the run is called."""
        return f"{self.arm}-{self.images}-{self.seed}-{self.key[:8]}"

    @property
    def words(self) -> str:
        """What messages call the run."""
        return f"{self.arm}, {self.images:,} images, seed {self.seed}"

    @property
    def school(self) -> str:
        """What the folder of its teacher is called."""
        return f"{self.images}-{self.seed}-{(self.teacher or '')[:8]}"


def study_of(checked: CheckedStudy) -> Study:
    """The study, which has no errors.

    Raises:
        ValueError: It has some.
    """
    if checked.study is None:
        raise ValueError("the study has errors")
    return checked.study


def plan(checked: CheckedStudy) -> list[Planned]:
    """All runs of a study that has no errors: seed by seed, each size, each arm."""
    study = study_of(checked)
    return [
        _planned(checked.run(arm, images, seed), arm, images, seed)
        for seed in study.seeds
        for images in study.train_images
        for arm in study.arms
    ]


def taught_by(planned: Planned, weights: Path) -> CheckedRecipe:
    """The recipe with a teacher that has been trained."""
    document = planned.recipe.document
    assert document is not None  # noqa: S101  -- so it was checked
    entry = document.nearest(("teacher", "builtin"))
    laid = override_at("teacher.weights", str(weights.absolute()), entry)
    return check(apply(document, [laid]), planned.recipe.path)


def _planned(checked: CheckedRecipe, arm: str, images: int, seed: int) -> Planned:
    if checked.recipe is None:
        raise ValueError(f"the recipe of {arm} has errors")
    value = _resolved(checked)
    decides = dict(_deciding(checked, value))
    teacher = value["teacher"] if checked.recipe.loss.kind != "none" else None
    if teacher is None or teacher["builtin"] == UNTAUGHT:
        return Planned(
            arm, images, seed, checked, _hash(decides), None, is_taught=False
        )
    is_taught = teacher["builtin"] == TAUGHT and teacher["weights"] is None
    about: dict[str, Any] = {
        key: decides[key] for key in ("teacher", "data", "version")
    }
    if is_taught:
        about["seed"] = seed
    else:  # whatever it is evaluated for
        about["data"] = {**about["data"], "train_images": None}
    key = _hash(decides)
    return Planned(arm, images, seed, checked, key, _hash(about), is_taught=is_taught)


def _resolved(checked: CheckedRecipe) -> dict[str, Any]:
    """A recipe with every default in it, and with paths that hold everywhere."""
    assert checked.recipe is not None  # noqa: S101  -- the caller has looked
    value: dict[str, Any] = checked.recipe.model_dump(mode="json")
    for section, key, path in _paths(checked, value):
        if path.exists():
            value[section][key] = str(path.absolute())
    return value


def _deciding(
    checked: CheckedRecipe, value: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    """What decides a run: contents of specs and of weights in the place of paths."""
    yield "version", __version__
    contents = {
        (section, key): _digest(path, path.stat().st_mtime_ns)
        for section, key, path in _paths(checked, value)
        if path.is_file()
    }
    for name, section in value.items():
        if section is None:
            yield name, None
            continue
        kept = {
            key: contents.get((name, key), item)
            for key, item in section.items()
            if key not in IDLE.get(name, ())
        }
        yield name, kept
    models = {"student": checked.student, "teacher": checked.teacher}
    yield (
        "specs",
        {name: each.spec.digest for name, each in models.items() if each and each.spec},
    )


def _paths(
    checked: CheckedRecipe, value: Mapping[str, Any]
) -> Iterator[tuple[str, str, Path]]:
    for section, key in (
        ("student", "spec"),
        ("student", "weights"),
        ("teacher", "spec"),
        ("teacher", "weights"),
        ("data", "folder"),
        ("data", "dataset"),
    ):
        name = value[section] and value[section][key]
        if name is not None and not (key == "spec" and name in published.names()):
            yield section, key, checked.place(name)


def _hash(value: object) -> str:
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@cache
def _digest(path: Path, _changed: int) -> str:
    """A hash of a file; one that is large is read once, unless it changes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
