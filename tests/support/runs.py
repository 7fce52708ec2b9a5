"""Short runs on the digits, untrained ones, and made-up results of studies."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn

import deit_spec
from deit_spec.distill.data import open_data
from deit_spec.distill.data.digits import read_digits
from deit_spec.distill.evaluation import HeadScores
from deit_spec.distill.study import Result
from deit_spec.distill.training import Reporter
from deit_spec.distill.training.run_folder import begin_run
from deit_spec.recipe import CheckedRecipe, check_recipe
from deit_spec.recipe.run_files import last_checkpoint
from deit_spec.recipe.study_validation import Study
from deit_spec.weights import safetensors_file
from support.recipes import PLAIN, SPECS, check

RECIPES = Path(__file__).parents[2] / "recipes"
DIGITS = RECIPES / "digits.yaml"
TEACHER = {"builtin": "digits_convnet", "steps": 2}
NAMES = tuple("0123456789")
HARD = {**PLAIN, "crop_scale": [0.35, 1.0], "mixup": 0.5, "erasing": 0.25}
"""Every augmentation for digits except CutMix."""
BCE = {
    "labels": "bce",
    "label_smoothing": 0.0,
    "bce_target_threshold": 0.0,
    "class_weights": {"3": 2.0},
}
DATA = {"builtin": "digits", "train_images": 100, "val_images": 100}
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "random layers": {"augmentation": {**HARD, "drop_path": 0.2}},
    "average": {"run": {"ema": 0.9}},
    "everything": {
        "student": {
            "spec": str(SPECS / "digits.yaml"),
            "freeze": ["patch_embed", "blocks.0", "blocks.1.mlp"],
        },
        "optimizer": {"name": "lamb", "layer_decay": 0.8, "clip": 1.0},
        "augmentation": {**HARD, "drop_path": 0.2},
        "run": {"ema": 0.9, "accumulate": 2, "gradient_checkpointing": True},
        "loss": BCE,
        "data": {**DATA, "sampling": "balanced"},
    },
    "class weights": {"loss": {"class_weights": "balanced"}},
    "sgd": {"optimizer": {"name": "sgd", "layer_decay": 0.8}},
    "accumulated": {"run": {"accumulate": 2}, "optimizer": {"clip": 0.5}},
    "soft": {"loss": {"kind": "soft", "tau": 3.0, "alpha": 0.1}},
    "alone": {"loss": {"kind": "none"}, "teacher": None},
}
"""Runs that differ in what a checkpoint has to contain."""


def recipe(folder: Path, **sections: Any) -> CheckedRecipe:
    """Write a recipe of 12 steps into a folder, and check it."""
    folder.mkdir(parents=True, exist_ok=True)
    return check(
        folder,
        **{
            "teacher": TEACHER,
            "data": DATA,
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
    """The metrics of a run, without those of its speed."""
    text = (folder / "metrics.jsonl").read_text(encoding="utf-8")
    timing = {"images_per_second", "seconds", "evaluation_seconds"}
    found = [json.loads(line) for line in text.splitlines()]
    return [{k: v for k, v in line.items() if k not in timing} for line in found]


def weights(folder: Path) -> bytes:
    """The bytes of the weights that a run has saved."""
    return (folder / "model.safetensors").read_bytes()


def state(folder: Path) -> dict[str, torch.Tensor]:
    """The content of the last checkpoint of a run."""
    path = last_checkpoint(folder)
    assert path is not None
    return safetensors_file.read(path, path.name)


def save_weights(spec: Path | str, path: Path) -> Path:
    """Save random weights of a spec; the seed is fixed."""
    torch.manual_seed(0)
    model = deit_spec.load(spec)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    with path.open("wb") as file:
        safetensors_file.write(file, dict(model.state_dict()))
    return path


def make_run(folder: Path, *overrides: str, classes: Sequence[str] = NAMES) -> Path:
    """The folder of a run on the digits with random weights, without training."""
    checked = check_recipe(DIGITS, overrides)
    assert checked.recipe is not None, checked.diagnostics
    split = open_data(checked, training=False).split.as_file()
    begin_run(checked, folder, classes, split)
    save_weights(folder / "spec.yaml", folder / "model.safetensors")
    return folder


def save_digits(folder: Path, count: int) -> Path:
    """Save the first digits as images of 8×8 pixels: `0.png`, `1.png`, …"""
    folder.mkdir(parents=True, exist_ok=True)
    images, _ = read_digits()
    for number, image in enumerate(images[:count]):
        pixels = (255 * image[0]).round().to(torch.uint8)
        Image.fromarray(pixels.numpy()).save(folder / f"{number}.png")
    return folder


class GoneError(Exception):
    """Stands for the end of a process."""


class Listen(Reporter):
    """Keeps the messages of a run."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def said(self, message: str) -> None:
        """Keep the message."""
        self.messages.append(message)


class StopAfter(Listen):
    """Ends a run after a step, by an error or by a signal."""

    def __init__(self, step: int, number: int | None = None) -> None:
        super().__init__()
        self.step, self.number = step, number

    def stepped(self, step: int) -> None:
        """Stop once the step is done."""
        if step == self.step and self.number is not None:
            os.kill(os.getpid(), self.number)
        elif step == self.step:
            raise GoneError


ARMS = ("none", "soft", "hard")


def head(top1: float) -> HeadScores:
    return HeadScores(top1=top1, top5=1.0, nll=0.25, ece=0.5)


def result(arm: str, images: int, seed: int, top1: float) -> Result:
    """The result of a run; its distillation head is 0.01 better than its class head."""
    distilled = arm == "hard"
    return Result(
        key=f"{arm}-{images}-{seed}",
        arm=arm,
        images=images,
        seed=seed,
        cls=head(top1),
        dist=head(top1 + 0.01) if distilled else None,
        fused=head(top1 + 0.02) if distilled else None,
        teacher=None if arm == "none" else head(0.98),
        evaluated=600,
        seconds=12.5,
    )


def study(*, seeds: tuple[int, ...] = (0, 1), baseline: str | None = None) -> Study:
    return Study(
        recipe="digits.yaml",
        seeds=seeds,
        train_images=(100, 300),
        arms=dict.fromkeys(ARMS),
        baseline=baseline,
    )


def results(seeds: tuple[int, ...] = (0, 1)) -> dict[tuple[str, int, int], Result]:
    """Results of a study: each arm is 0.01 better than the one before."""
    return {
        (arm, images, seed): result(
            arm, images, seed, 0.9 + place / 100 + seed / 100 + images / 10_000
        )
        for place, arm in enumerate(ARMS)
        for images in (100, 300)
        for seed in seeds
    }
