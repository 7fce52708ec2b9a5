"""Checkpoints: all that a run needs to go on, as one file of safetensors.

The schedule, the data and every random choice are pure functions of the step, so
the step is all that is kept of them. A file of safetensors runs no code.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from deit_spec.atomic_write import UNFINISHED, atomic_write
from deit_spec.diagnostics.printable import reason_of
from deit_spec.distill.training.learner import Learner, whole
from deit_spec.distill.training.names import path_of, step_of
from deit_spec.weights import WeightsError, safetensors_file
from deit_spec.weights.weight_findings import refuse, some

_AGAIN = "delete the file, and `--resume` goes on from the start of the run"
_STEP, _SUMS = "run.step", "run.sums"


def save(learner: Learner, step: int, folder: Path) -> Path:
    """Write a checkpoint, and only then delete those before it.

    Every process calls this, for each may hold a part; the main one writes.

    Raises:
        OSError: It cannot be written; the one before it is as it was.
    """
    path = path_of(folder, step)
    tensors = {name: whole(each).cpu() for name, each in state(learner)}
    tensors[_STEP] = torch.tensor(float(step), dtype=torch.float64)
    tensors[_SUMS] = learner.processes.mean(learner.sums).cpu()
    if learner.processes.main:
        path.parent.mkdir(exist_ok=True)
        with atomic_write(path) as file:
            safetensors_file.write(file, tensors)
        _keep_only(path)
    return path


def _keep_only(path: Path) -> None:
    for each in path.parent.iterdir():
        is_ours = step_of(each.name) is not None or each.name.endswith(UNFINISHED)
        if is_ours and each != path:
            each.unlink(missing_ok=True)


def load(learner: Learner, path: Path) -> int:
    """Put a checkpoint into a learner of the same recipe, and return its step.

    Raises:
        WeightsError: It is damaged, or cannot be read.
    """
    try:
        tensors = safetensors_file.read(path, str(path))
    except OSError as error:
        reason = reason_of(error)
        message = f"the checkpoint cannot be read: {reason}"
        raise refuse("DS401", message, str(path)) from None
    except WeightsError as error:
        damaged = (replace(each, helps=(_AGAIN,)) for each in error.diagnostics)
        raise WeightsError(damaged) from None
    _begin_moments(learner)
    _require_all(learner, tensors, path)
    with torch.no_grad():
        for name, each in state(learner):
            each.copy_(placed(tensors[name], each))
        learner.sums.copy_(tensors[_SUMS])
    return int(tensors[_STEP].item())


def _require_all(learner: Learner, tensors: Mapping[str, Tensor], path: Path) -> None:
    """See that a file has what a checkpoint of this learner has, and nothing else.

    Raises:
        WeightsError: It is another file that is called like one.
    """
    wanted = {name: tuple(each.shape) for name, each in state(learner)}
    wanted |= {_STEP: (), _SUMS: tuple(learner.sums.shape)}
    found = {name: tuple(each.shape) for name, each in tensors.items()}
    differing = [name for name in wanted if found.get(name) != wanted[name]]
    if not differing and found.keys() == wanted.keys():
        return
    names = some(differing or sorted(found.keys() - wanted.keys()))
    what = "other shapes or no" if differing else "more than this run has:"
    message = f"the file is no checkpoint of this run; it has {what} {names}"
    raise refuse("DS401", message, str(path), helps=(_AGAIN,))


def state(learner: Learner) -> Iterator[tuple[str, Tensor]]:
    """Every tensor that a step changes, by name."""
    named = list(learner.model.named_parameters())
    for name, parameter in named:
        yield f"model.{name}", parameter.detach()
    for name, parameter in named:
        for key, value in learner.optimizer.state.get(parameter, {}).items():
            yield f"optimizer.{key}.{name}", value
    if learner.average is not None:
        for (name, _), value in zip(named, learner.average.values, strict=True):
            yield f"average.{name}", value


def _begin_moments(learner: Learner) -> None:
    """Let AdamW make its moments, by a step of rate 0 that changes no weight."""
    for group in learner.optimizer.param_groups:
        group["lr"] = 0.0
    for parameter in learner.trained:
        parameter.grad = torch.zeros_like(parameter)
    learner.optimizer.step()
    learner.optimizer.zero_grad()


def placed(tensor: Tensor, like: Any) -> Tensor:
    """A tensor as another is: on its device, and sharded as it is."""
    moved = tensor.to(like.device)
    if not hasattr(like, "device_mesh"):
        return moved
    from torch.distributed.tensor import distribute_tensor  # noqa: PLC0415

    return distribute_tensor(moved, like.device_mesh, like.placements)
