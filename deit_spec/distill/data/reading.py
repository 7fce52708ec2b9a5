"""Images read and augmented one by one, in this process or in others."""

import os
import random
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from deit_spec.diagnostics.printable import first_line_of
from deit_spec.distill.data.pictures import Pictures, decode
from deit_spec.distill.data.views import View

PATIENCE = 5.0
"""Seconds that a process which reads images may take to end."""


class Ask(NamedTuple):
    """One view of an image is wanted: which image, and what its randomness is."""

    place: int
    seed: int


class Unreadable(NamedTuple):
    """An image that could not be read, and why."""

    name: str
    reason: str


class Read(NamedTuple):
    """What was read: `[C, S, S]` and its class, or nothing; and what could not be."""

    image: Tensor | None
    label: int
    unreadable: tuple[Unreadable, ...]


class ReadBatch(NamedTuple):
    """`[b, C, S, S]` and `[b]`, None where nothing could be read."""

    images: Tensor | None
    labels: Tensor
    unreadable: tuple[Unreadable, ...]


class Reading(Dataset[Read]):
    """Views of some of the pictures, each random as it is asked for.

    Args:
        pictures: All there are.
        places: Which of them, in order.
        channels: 1 for grey, 3 for colour.
        view: From an image to a tensor.
        tries: How many are read at most in the place of an unreadable one, which are
            those that follow it. With 1 it is left out.
    """

    def __init__(
        self,
        pictures: Pictures,
        places: Sequence[int],
        *,
        channels: int,
        view: View,
        tries: int,
    ) -> None:
        self.pictures = pictures
        self.places = places
        self.channels = channels
        self.view = view
        self.tries = tries

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, ask: Ask) -> Read:
        unreadable: list[Unreadable] = []
        for chosen in range(ask.place, ask.place + self.tries):
            place = self.places[chosen % len(self.places)]
            try:
                image = decode(self.pictures.open(place), self.channels)
            except Exception as error:  # noqa: BLE001  -- Pillow raises what it likes
                reason = first_line_of(error)
                unreadable.append(Unreadable(self.pictures.name(place), reason))
                continue
            with seeded(ask.seed):
                seen = self.view(image)
            return Read(seen, self.pictures.labels[place], tuple(unreadable))
        return Read(None, 0, tuple(unreadable))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let all that timm's transforms draw from follow from a seed, for a while."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  -- what timm draws from
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])


def read_batches(
    reading: Reading, asks: Iterable[list[Ask]], *, workers: int
) -> Iterator[ReadBatch]:
    """Read batches in order, ahead of their use where there are workers.

    There are no more workers than cores: torch warns of more, which only wait for
    each other.
    """
    loader: Iterable[ReadBatch] = DataLoader(
        reading,
        batch_sampler=asks,
        num_workers=min(workers, usable_cores()),
        collate_fn=collate,
        worker_init_fn=leave_signals_to_the_parent,
        pin_memory=torch.cuda.is_available(),
        # It would draw a seed from torch's own state, which is the run's.
        generator=torch.Generator(),
    )
    batches = iter(loader)
    processes = list[BaseProcess](getattr(batches, "_workers", ()))
    try:
        yield from batches
    finally:
        del batches  # asks them to end
        _end(processes)


def _end(workers: Iterable[BaseProcess]) -> None:
    """Kill those that are still there after a while.

    They hear no SIGTERM, so one that is stuck would keep this process from ending.
    """
    for worker in workers:
        worker.join(PATIENCE)
        if worker.is_alive():
            worker.kill()


def usable_cores() -> int:
    """Count the cores that this process may use, which a container may limit."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def collate(found: Sequence[Read]) -> ReadBatch:
    """Join what was read to a batch, without what could not be."""
    images = [each.image for each in found if each.image is not None]
    labels = [each.label for each in found if each.image is not None]
    return ReadBatch(
        torch.stack(images) if images else None,
        torch.tensor(labels, dtype=torch.long),
        tuple(bad for each in found for bad in each.unreadable),
    )


def leave_signals_to_the_parent(_: int) -> None:
    """Let a worker end with its parent, not by what asks that to save.

    A terminal sends SIGINT, and `timeout` and Slurm send SIGTERM, to all processes of
    a group. The parent needs its workers until the step is done, and ends them then;
    where it is gone they see that within seconds.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
