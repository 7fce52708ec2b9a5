"""Short runs on the digits, for tests of training."""

import json
import os
from pathlib import Path
from typing import Any

import torch

from deit_spec.distill.training import Reporter
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.run_files import last_checkpoint
from deit_spec.weights import safetensors_file
from support.recipes import PLAIN, check

TEACHER = {"builtin": "digits_convnet", "steps": 2}
HARD = {**PLAIN, "crop_scale": [0.35, 1.0], "mixup": 0.5, "erasing": 0.25}
"""Augmentation of every kind that digits have, but for what mixes by cutting."""
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "random layers": {"augmentation": {**HARD, "drop_path": 0.2}},
    "average": {"run": {"ema": 0.9}},
    "accumulated": {"run": {"accumulate": 2}, "optimizer": {"clip": 0.5}},
    "soft": {"loss": {"kind": "soft", "tau": 3.0, "alpha": 0.1}},
    "alone": {"loss": {"kind": "none"}, "teacher": None},
}
"""Runs that differ in what a checkpoint has to hold."""


def recipe(folder: Path, **sections: Any) -> CheckedRecipe:
    """Write a recipe of 12 steps into a folder, and check it."""
    folder.mkdir(parents=True, exist_ok=True)
    return check(
        folder,
        **{
            "teacher": TEACHER,
            "data": {"builtin": "digits", "train_images": 100, "val_images": 100},
            "augmentation": {**PLAIN, "drop_path": 0.0},
            **sections,
            "optimizer": {
                "lr": 2e-3,
                "lr_batch": None,
                **sections.get("optimizer", {}),
            },
            "schedule": {
                "steps": 12,
                "batch_size": 16,
                "warmup_steps": 2,
                **sections.get("schedule", {}),
            },
            "run": {
                "log_every": 3,
                "evaluate_every": 6,
                "checkpoint_every": 4,
                **sections.get("run", {}),
            },
        },
    )


def lines(folder: Path) -> list[dict[str, Any]]:
    """The metrics of a run, without how fast it was."""
    text = (folder / "metrics.jsonl").read_text(encoding="utf-8")
    timing = {"images_per_second", "seconds", "evaluation_seconds"}
    found = [json.loads(line) for line in text.splitlines()]
    return [{k: v for k, v in line.items() if k not in timing} for line in found]


def weights(folder: Path) -> bytes:
    """The bytes of the weights that a run has left."""
    return (folder / "model.safetensors").read_bytes()


def state(folder: Path) -> dict[str, torch.Tensor]:
    """What the last checkpoint of a run holds."""
    path = last_checkpoint(folder)
    assert path is not None
    return safetensors_file.read(path, path.name)


class GoneError(Exception):
    """Takes the place of a process that is gone."""


class StopAfter(Reporter):
    """Is gone after a step, or asks to stop as a signal does."""

    def __init__(self, step: int, number: int | None = None) -> None:
        self.step, self.number = step, number

    def stepped(self, step: int) -> None:
        """Stop once the step is done."""
        if step == self.step and self.number is not None:
            os.kill(os.getpid(), self.number)
        elif step == self.step:
            raise GoneError
