"""What a process of a study does: train and score a teacher, or train one run."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.synchronize import Event
from pathlib import Path
from threading import Thread

import torch

from deit_spec.distill.data import open_data
from deit_spec.distill.evaluation import HeadScores, evaluate
from deit_spec.distill.teachers import open_teacher
from deit_spec.distill.trained_model import best_device
from deit_spec.distill.training import Finished, train
from deit_spec.recipe import CheckedRecipe

BATCH = 256
_stopping: Event | None = None
"""In a process of a study: set when the study is to stop."""


def begin_process(stopping: Event) -> None:
    """Prepare a process: one thread, its own signals, and an end with its parent.

    With one thread, a run has the same result however many run at the same time. The
    keys that stop a study are for the parent: it sets `stopping`, and then sends
    SIGTERM, which is ignored while nothing is running.
    """
    global _stopping  # noqa: PLW0603  -- an initializer cannot return anything
    _stopping = stopping
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def score_teacher(
    checked: CheckedRecipe, folder: Path, *, allow_code: bool
) -> HeadScores | None:
    """Open a teacher, trained first if it has no weights, and evaluate it.

    None if its classes are not those of the data.

    Raises:
        KeyboardInterrupt: The study is to stop.
    """
    with _interruptible():
        data = open_data(checked)
        folder.mkdir(parents=True, exist_ok=True)
        device = best_device()
        teacher = open_teacher(
            checked, data, folder=folder, allow_code=allow_code, device=device
        )
        if teacher is None or teacher.classes != len(data.classes):
            return None
        return evaluate(teacher, data.val(BATCH), fusion="cls", device=device).cls


def train_run(checked: CheckedRecipe, folder: Path, *, allow_code: bool) -> Finished:
    """Train a run, or resume it; it has no scores if it was stopped.

    Raises:
        KeyboardInterrupt: The study is to stop, and nothing of the run was saved.
    """
    with _interruptible():
        return train(checked, folder, resume=True, allow_code=allow_code)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt at SIGTERM in the block, or if the study is stopping.

    Tasks that were queued still reach a process when the study is stopping.
    """
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        # After the handler is set, as SIGTERM is sent after the event.
        if _stopping is not None and _stopping.is_set():
            raise KeyboardInterrupt
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
