"""The names of the files of a model, and of the heads of a student."""

import re
from pathlib import Path
from typing import Final

RECIPE: Final = "recipe.yaml"
SPEC: Final = "spec.yaml"
WEIGHTS: Final = "model.safetensors"
"""The trained weights, as `deit_spec.load` opens them."""
CONFIG: Final = "config.json"
PREPROCESSOR: Final = "preprocessor_config.json"
"""The files of transformers, and `config.json` of timm."""
TEACHER: Final = "teacher.safetensors"
"""The teacher, if it was trained for the run."""
LOCK: Final = ".lock"
"""Locked while a run uses the folder."""
CLASSES: Final = "classes.json"
"""The names of the classes."""
SPLIT: Final = "split.json"
"""The images that were held out; see `split_file`."""
METRICS: Final = "metrics.jsonl"
TENSORBOARD: Final = "tensorboard"
"""The folder of the event files of TensorBoard."""
TRACKERS: Final = "trackers.json"
"""The runs of trackers, by the name of the tracker, by which they continue."""
SUMMARY: Final = "summary.md"
CURVES: Final = "curves.png"

HEADS: Final = {"cls": "class head", "dist": "distillation head", "fused": "fused"}
"""The heads, and both fused, by their keys in metrics and JSON."""

_CHECKPOINT = re.compile(r"step-(\d+)\.safetensors")


def checkpoint_path(folder: Path, step: int) -> Path:
    """The checkpoint of a run after so many steps."""
    return folder / "checkpoints" / f"step-{step:07}.safetensors"


def checkpoint_step(path: Path) -> int | None:
    """The step in the name of a checkpoint; None if it is not the name of one."""
    match = _CHECKPOINT.fullmatch(path.name)
    return int(match.group(1)) if match else None


def last_checkpoint(folder: Path) -> Path | None:
    """The checkpoint of a run with the highest step."""
    paths = [each for each in folder.glob("checkpoints/*") if checkpoint_step(each)]
    return max(paths, key=lambda path: checkpoint_step(path) or 0, default=None)
