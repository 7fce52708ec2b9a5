"""What a process of a study does: trains a teacher, or one run."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from deit_spec.distill.metrics import HeadScores
from deit_spec.recipe import CheckedRecipe

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from torch import Tensor, nn

    from deit_spec.distill.teachers import Teacher

BATCH = 256


class Done(NamedTuple):
    """What a run came to; `complete` is false where it was stopped."""

    cls: HeadScores
    dist: HeadScores | None
    fused: HeadScores | None
    evaluated: int
    seconds: float


_stopping: "Event | None" = None
"""In a process of a study: set when the study is to stop."""


def begin_process(stopping: "Event") -> None:
    """Keep to one thread, so that a run is the same however many are beside it.

    The keys that stop a study are for the parent to hear, who asks the others to
    save and stop: it sets `stopping`, and then sends SIGTERM. Ends with the parent,
    whatever ends that.
    """
    global _stopping  # noqa: PLW0603  -- what starts a process can pass nothing on
    _stopping = stopping
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Where nothing is being done: a process that dies takes the others with it.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    import torch  # noqa: PLC0415  -- the parent needs none

    torch.set_num_threads(1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def score_teacher(
    checked: CheckedRecipe, folder: Path, *, allow_code: bool
) -> HeadScores | None:
    """Open a teacher, trained first where it has no weights, and evaluate it.

    None where it tells other classes apart than the data do.

    Raises:
        KeyboardInterrupt: The study is to stop.
    """
    from deit_spec.distill.data import open_data  # noqa: PLC0415
    from deit_spec.distill.evaluation import evaluate  # noqa: PLC0415
    from deit_spec.distill.teachers import open_teacher  # noqa: PLC0415
    from deit_spec.distill.trained_model import best_device  # noqa: PLC0415

    with _interruptible():
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


def train_run(checked: CheckedRecipe, folder: Path, *, allow_code: bool) -> Done | None:
    """Train a run, or go on with what is there of it; None where it was stopped.

    Raises:
        KeyboardInterrupt: The study is to stop, and nothing of the run was saved.
    """
    from deit_spec.distill.training import train  # noqa: PLC0415

    with _interruptible():
        found = train(checked, folder, resume=True, allow_code=allow_code)
    scores = found.scores
    if scores is None or not found.complete:
        return None
    heads = scores.cls, scores.dist, scores.fused
    return Done(*heads, scores.images, found.seconds)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Hear SIGTERM, and do nothing at all where the study is to stop already.

    What was queued for a process reaches it even then.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        # Only now, as the signal comes after it.
        if _stopping is not None and _stopping.is_set():
            raise KeyboardInterrupt
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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
