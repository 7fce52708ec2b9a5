"""What checkpoints are called."""

import re
from pathlib import Path

FOLDER = "checkpoints"
_NAME = re.compile(r"step-(\d+)\.safetensors")


def path_of(folder: Path, step: int) -> Path:
    """Where the checkpoint of a run is after so many steps."""
    return folder / FOLDER / f"step-{step:07}.safetensors"


def step_of(name: str) -> int | None:
    """The steps that the name of a checkpoint tells; None if it is not one."""
    match = _NAME.fullmatch(name)
    return int(match.group(1)) if match else None


def find_last(folder: Path) -> Path | None:
    """The latest checkpoint of a run folder."""
    if not (folder / FOLDER).is_dir():
        return None
    paths = [each for each in (folder / FOLDER).iterdir() if step_of(each.name)]
    return max(paths, key=lambda each: step_of(each.name) or 0, default=None)
