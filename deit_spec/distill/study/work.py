"""What a process of a study does: trains a teacher, or one run."""

import multiprocessing
import os
import shutil
import signal
from collections.abc import Mapping
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from deit_spec.distill.metrics import HeadScores

if TYPE_CHECKING:
    from torch import Tensor, nn

    from deit_spec.distill.teachers import Teacher

TEACHER = "teacher.safetensors"
BATCH = 256


class _Asked:
    """What this process has been asked for."""

    to_stop = False


class Done(NamedTuple):
    """What a run came to; `complete` is false where it was stopped."""

    cls: HeadScores
    dist: HeadScores | None
    fused: HeadScores | None
    evaluated: int
    seconds: float


def begin_process() -> None:
    """Keep to one thread, so that a run is the same however many are beside it.

    The keys that stop a study are for the parent to hear, who asks the others to
    save and stop. Ends with the parent, whatever ends that.
    """
    import torch  # noqa: PLC0415  -- the parent needs none

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def score_teacher(
    recipe: Mapping[str, Any], folder: Path, *, allow_code: bool
) -> HeadScores | None:
    """Open a teacher, trained first where it has no weights, and evaluate it.

    None where it tells other classes apart than the data do.
    """
    from deit_spec.distill.data import open_data  # noqa: PLC0415
    from deit_spec.distill.devices import best_device  # noqa: PLC0415
    from deit_spec.distill.evaluation import evaluate  # noqa: PLC0415
    from deit_spec.distill.teachers import open_teacher  # noqa: PLC0415
    from deit_spec.recipe import check_recipe  # noqa: PLC0415

    checked = check_recipe(recipe)
    data = open_data(checked)
    folder.mkdir(parents=True, exist_ok=True)
    device = best_device()
    teacher = open_teacher(
        checked, data, folder=folder, allow_code=allow_code, device=device
    )
    if teacher is None or teacher.classes != len(data.classes):
        return None

    alone = _alone(teacher)
    return evaluate(alone, data.val(BATCH), fusion="cls", device=device).cls


def train_run(
    recipe: Mapping[str, Any], folder: Path, *, allow_code: bool
) -> Done | None:
    """Train a run, or go on with what is there of it; None where it was stopped.

    A process that was asked to stop begins no other run: one that waits in its queue
    can no longer be taken back.
    """
    if _Asked.to_stop:
        return None
    from deit_spec.distill.training import train  # noqa: PLC0415
    from deit_spec.distill.training.folder import RECIPE  # noqa: PLC0415
    from deit_spec.recipe import check_recipe  # noqa: PLC0415

    if not (folder / RECIPE).exists():  # it was killed before it had begun
        shutil.rmtree(folder, ignore_errors=True)
    found = train(check_recipe(recipe), folder, resume=True, allow_code=allow_code)
    scores = found.scores
    if scores is None or not found.complete:
        _Asked.to_stop = True
        return None
    heads = scores.cls, scores.dist, scores.fused
    return Done(*heads, scores.images, found.seconds)


def _alone(teacher: "Teacher") -> "nn.Module":
    """The teacher as a model, whatever the labels are."""
    import torch  # noqa: PLC0415
    from torch import nn  # noqa: PLC0415

    class Alone(nn.Module):
        def forward(self, images: "Tensor") -> "Tensor":
            nothing = torch.zeros(len(images), dtype=torch.long, device=images.device)
            logits: Tensor = teacher(images, nothing)
            return logits

    return Alone()


def _follow(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
