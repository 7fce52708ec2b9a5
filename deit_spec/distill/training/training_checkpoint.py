"""Checkpoints: everything that a run needs to be resumed, in one safetensors file.

The schedule, the data and the randomness are functions of the step, so the step is
all that a checkpoint keeps of them. Reading a safetensors file runs no code.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from deit_spec.atomic_write import UNFINISHED, atomic_write
from deit_spec.diagnostics.printable import listed, reason_of
from deit_spec.distill.training.training_step import TrainingStep, whole
from deit_spec.recipe.run_files import checkpoint_path, checkpoint_step
from deit_spec.weights import WeightsError, safetensors_file
from deit_spec.weights.weight_findings import refuse

_HELP = "delete the file; `--resume` starts again from step 0 without it"
_STEP, _SUMS = "run.step", "run.sums"


def save_checkpoint(training: TrainingStep, step: int, folder: Path) -> Path:
    """Write a checkpoint in the main process, and delete the ones before it."""
    path = checkpoint_path(folder, step)
    tensors = {name: whole(each).cpu() for name, each in state_of(training)}
    tensors[_STEP] = torch.tensor(float(step), dtype=torch.float64)
    tensors[_SUMS] = training.processes.mean(training.sums).cpu()
    if training.processes.main:
        path.parent.mkdir(exist_ok=True)
        with atomic_write(path) as file:
            safetensors_file.write(file, tensors)
        for each in path.parent.iterdir():
            is_ours = checkpoint_step(each) is not None or each.suffix == UNFINISHED
            if is_ours and each != path:
                each.unlink(missing_ok=True)
    return path


def load_checkpoint(training: TrainingStep, path: Path) -> int:
    """Restore the state of a run with the same recipe, and return its step."""
    try:
        tensors = safetensors_file.read(path, str(path))
    except OSError as error:
        message = f"the checkpoint cannot be read: {reason_of(error)}"
        raise refuse("DS401", message, str(path)) from None
    except WeightsError as error:
        damaged = (replace(each, helps=(_HELP,)) for each in error.diagnostics)
        raise WeightsError(damaged) from None
    _create_moments(training)
    _require_same_tensors(training, tensors, path)
    with torch.no_grad():
        for name, each in state_of(training):
            each.copy_(_placed(tensors[name], each))
        training.sums.copy_(tensors[_SUMS])
    step = int(tensors[_STEP].item())
    for group in training.optimizer.param_groups:
        if "step" in group:  # LAMB counts the steps of a group
            group["step"].fill_(step)
    if training.average is not None:
        training.average.updates = step
    return step


def state_of(training: TrainingStep) -> Iterator[tuple[str, Tensor]]:
    """Every tensor that a step or an evaluation changes, by name."""
    named = list(training.model.named_parameters())
    for name, parameter in named:
        yield f"model.{name}", parameter.detach()
    for name, parameter in named:
        for key, value in training.optimizer.state.get(parameter, {}).items():
            yield f"optimizer.{key}.{name}", value
    if training.average is not None:
        trained = (name for name, each in named if each.requires_grad)
        for name, value in zip(trained, training.average.values, strict=True):
            yield f"average.{name}", value
    if training.best is not None:
        yield "run.best", training.best.record
        for (name, _), value in zip(named, training.best.weights, strict=False):
            yield f"best.{name}", value


def _require_same_tensors(
    training: TrainingStep, tensors: Mapping[str, Tensor], path: Path
) -> None:
    expected = {name: each.shape for name, each in state_of(training)}
    expected |= {_STEP: torch.Size(), _SUMS: training.sums.shape}
    found = {name: each.shape for name, each in tensors.items()}
    if found == expected:
        return
    names = sorted({name for name, _ in found.items() ^ expected.items()})
    message = f"the file is not a checkpoint of this run; it differs in {listed(names)}"
    raise refuse("DS401", message, str(path), helps=(_HELP,))


def _create_moments(training: TrainingStep) -> None:
    """Make the optimizer create its state by a step of rate 0; no weight changes."""
    for group in training.optimizer.param_groups:
        group["lr"] = 0.0
    for parameter in training.trained:
        parameter.grad = torch.zeros_like(parameter)
    training.optimizer.step()
    training.optimizer.zero_grad()


def _placed(tensor: Tensor, like: Any) -> Tensor:
    """A tensor on the device of another, and sharded like it."""
    moved = tensor.to(like.device)
    if not hasattr(like, "device_mesh"):
        return moved
    from torch.distributed.tensor import distribute_tensor  # noqa: PLC0415

    return distribute_tensor(moved, like.device_mesh, like.placements)
