"""The runs of a study, each with its recipe and a hash of its settings."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from deit_spec.distill.runtime_errors import recipe_of
from deit_spec.distill.training.run_folder import recipe_paths, resolved_recipe
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.overrides import apply, override_at
from deit_spec.recipe.recipe_validation import check
from deit_spec.recipe.run_files import WEIGHTS
from deit_spec.recipe.study_validation import CheckedStudy, Study
from deit_spec.version import __version__

IGNORED = {
    "data": ("unreadable", "workers"),
    "run": ("checkpoint_every", "evaluate_every", "log_every", "trackers"),
}
"""Settings that do not change the result of a run; `evaluate_every` may."""


@dataclass(frozen=True)
class PlannedRun:
    """A run to make, and hashes of all that its result and its teacher's depend on."""

    arm: str
    images: int
    seed: int
    recipe: CheckedRecipe = field(compare=False)
    key: str
    teacher: str | None
    trains_teacher: bool

    @property
    def name(self) -> str:
        """The name of the folder of the run."""
        return f"{self.arm}-{self.images}-{self.seed}-{self.key[:8]}"

    @property
    def title(self) -> str:
        """The run in messages."""
        return f"{self.arm}, {self.images:,} images, seed {self.seed}"

    @property
    def teacher_name(self) -> str:
        """The name of the folder of its teacher."""
        return f"{self.images}-{self.seed}-{(self.teacher or '')[:8]}"


def plan_runs(checked: CheckedStudy, study: Study) -> list[PlannedRun]:
    """All runs of a study without errors, by seed, number of images and arm."""
    return [
        _plan_run(checked.run(arm, images, seed), arm, images, seed)
        for seed in study.seeds
        for images in study.train_images
        for arm in study.arms
    ]


def with_trained_teacher(planned: PlannedRun, weights: Path) -> CheckedRecipe:
    """The recipe of a run with the weights of its teacher."""
    document = planned.recipe.document
    assert document is not None  # noqa: S101  -- it was checked
    entry = document.nearest(("teacher", "builtin"))
    override = override_at("teacher.weights", str(weights.absolute()), entry)
    return check(apply(document, [override]), planned.recipe.path)


def _plan_run(checked: CheckedRecipe, arm: str, images: int, seed: int) -> PlannedRun:
    recipe = recipe_of(checked)
    settings = _settings(checked)
    key, teacher = _hash(settings), recipe.teacher
    if recipe.loss.kind == "none" or not teacher or teacher.builtin == "true_labels":
        return PlannedRun(arm, images, seed, checked, key, None, trains_teacher=False)
    trains = teacher.builtin == "digits_convnet" and teacher.weights is None
    about = {name: settings[name] for name in ("teacher", "data", "version")}
    if trains:
        about["seed"] = seed
    else:  # its scores do not depend on the images of the student
        about["data"] = {**about["data"], "train_images": None}
    shared = _hash(about)
    return PlannedRun(arm, images, seed, checked, key, shared, trains_teacher=trains)


def _settings(checked: CheckedRecipe) -> dict[str, Any]:
    """What the result of a run depends on, with the hashes of files for their paths."""
    settings: dict[str, Any] = {"version": __version__}
    for name, section in resolved_recipe(checked).items():
        settings[name] = section
        if isinstance(section, Mapping):
            ignored = IGNORED.get(name, ())
            settings[name] = {k: v for k, v in section.items() if k not in ignored}
    run = recipe_of(checked).run
    if run.compares_evaluations:
        settings["run"]["evaluate_every"] = run.evaluate_every
    for name, key, path in recipe_paths(checked):
        if key in {"spec", "weights"} and path.is_dir():  # a model folder
            path = path / WEIGHTS  # noqa: PLW2901
        if path.is_file():
            settings[name][key] = _file_hash(path, path.stat().st_mtime_ns)
    models = {"student": checked.student, "teacher": checked.teacher}
    settings["specs"] = {
        name: each.spec.digest for name, each in models.items() if each and each.spec
    }
    return settings


def _hash(value: object) -> str:
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@cache
def _file_hash(path: Path, _modified: int) -> str:
    """The hash of a file, which is read again only if it was modified."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
