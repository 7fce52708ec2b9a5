"""A dataset of images in files or rows, read by this process or by workers."""

import os
import signal
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from deit_spec.diagnostics.printable import first_line_of
from deit_spec.distill.data.batch_transforms import Mixing
from deit_spec.distill.data.dataset import CPU, Batch, Data
from deit_spec.distill.data.image_sources import LabelledImages, Splits
from deit_spec.distill.data.split import make_sampler, make_split
from deit_spec.distill.data.transforms import Transform, training_transform
from deit_spec.distill.runtime_errors import recipe_of, student_of, unreadable_images
from deit_spec.distill.seeds import random_of, seed_of, temporary_seed
from deit_spec.model.image_transform import CentralCrop, decode
from deit_spec.model.preprocessing import Preprocessing
from deit_spec.recipe import CheckedRecipe

ReadBatch: TypeAlias = tuple[Batch | None, dict[str, str]]
"""A batch, None if no image could be read; and the unreadable images with reasons."""


class ImageRequest(NamedTuple):
    """The index of an image, and the seed of its transform."""

    image: int
    seed: int


class ReadImage(NamedTuple):
    """An image `[C, S, S]`, or None, its class, and the unreadable images by name."""

    image: Tensor | None
    label: int
    unreadable: dict[str, str]


class ImageDataset(Data):
    """Images read step by step; the epoch and the position seed their transforms."""

    def __init__(
        self,
        checked: CheckedRecipe,
        splits: Splits,
        preprocessing: Preprocessing,
        *,
        training: bool = True,
        held_out: Collection[str] | None = None,
    ) -> None:
        recipe, student = recipe_of(checked), student_of(checked)
        size, channels = student.image_size, student.in_channels
        data, augmentation = recipe.data, recipe.augmentation
        self.split = make_split(
            checked, splits.classes, splits.train, splits.val, held_out=held_out
        )
        self.ignored, self.notes = splits.ignored, splits.notes
        self.mean, self.std = preprocessing.mean, preprocessing.std
        self._checked = checked
        self.reasons = {}
        self._limit = data.unreadable if training else None
        self._workers = data.workers
        self._seed, self._batch_size = recipe.run.seed, recipe.schedule.batch_size
        train, val = self.split.train, self.split.held_out
        transform: Transform = CentralCrop(preprocessing)
        self._val = TransformedImages(
            splits.val or splits.train, val, channels=channels, transform=transform
        )
        if training:
            transform = training_transform(augmentation, size, self.mean, self.std)
        self._train = TransformedImages(
            splits.train,
            train,
            channels=channels,
            transform=transform,
            tries=min(len(train), data.unreadable + 1),
        )
        self.sampler = make_sampler(recipe, self.split)
        self._mixing = Mixing.of(augmentation, len(splits.classes))

    def train(
        self,
        first: int,
        last: int,
        *,
        rank: int = 0,
        world: int = 1,
        device: torch.device = CPU,
    ) -> Iterator[Batch]:
        """See `Data.train`."""
        requests = (self._requests(step, rank, world) for step in range(first, last))
        found = read_batches(self._train, requests, workers=self._workers)
        batches = self._readable(found, may_be_empty=False)
        for step, read in zip(range(first, last), batches, strict=True):
            batch = read.to(device)
            source = random_of(self._seed, "mix", step, rank)
            yield self._mixing(batch, source) if self._mixing else batch

    def val(self, batch_size: int, *, rank: int = 0, world: int = 1) -> Iterator[Batch]:
        """See `Data.val`."""
        mine = range(rank, self.val_count, world)
        requests = (
            [ImageRequest(index, 0) for index in mine[start : start + batch_size]]
            for start in range(0, len(mine), batch_size)
        )
        found = read_batches(self._val, requests, workers=self._workers)
        yield from self._readable(found, may_be_empty=True)

    def _requests(self, step: int, rank: int, world: int) -> list[ImageRequest]:
        epoch, within = divmod(step, self.sampler.steps)
        chosen = self.sampler.at(step).tolist()
        start = within * self._batch_size
        return [
            ImageRequest(chosen[i], seed_of(self._seed, "view", epoch, start + i))
            for i in range(rank, len(chosen), world)
        ]

    def _readable(
        self, batches: Iterable[ReadBatch], *, may_be_empty: bool
    ) -> Iterator[Batch]:
        """Record the unreadable images, and yield the rest of each batch."""
        for batch, unreadable in batches:
            self.reasons |= unreadable
            is_empty = batch is None and not may_be_empty
            too_many = self._limit is not None and len(self.reasons) > self._limit
            if too_many or is_empty:
                most = None if self._limit is None else self._limit + 1
                found = list(self.reasons.items())[:most]
                names = [f"{name} ({reason})" for name, reason in found]
                raise unreadable_images(self._checked, names)
            if batch is not None:
                yield batch


@dataclass
class TransformedImages(Dataset[ReadImage]):
    """Decoded and transformed images; at most `tries`, if some are unreadable."""

    images: LabelledImages
    indices: Sequence[int]
    channels: int
    transform: Transform
    tries: int = 1

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, request: ImageRequest) -> ReadImage:
        unreadable: dict[str, str] = {}
        for chosen in range(request.image, request.image + self.tries):
            index = self.indices[chosen % len(self.indices)]
            try:
                image = decode(self.images.open(index), self.channels)
            except Exception as error:  # noqa: BLE001  -- Pillow raises many kinds
                unreadable[self.images.name(index)] = first_line_of(error)
                continue
            with temporary_seed(request.seed):
                tensor = self.transform(image)
            return ReadImage(tensor, self.images.labels[index], unreadable)
        return ReadImage(None, 0, unreadable)


def read_batches(
    images: TransformedImages, requests: Iterable[list[ImageRequest]], *, workers: int
) -> Iterable[ReadBatch]:
    """Read batches in order, in advance if there are workers."""
    return DataLoader(
        images,
        batch_sampler=requests,
        num_workers=min(workers, usable_cores()),  # torch warns about more
        collate_fn=collate,
        worker_init_fn=ignore_signals,
        pin_memory=torch.cuda.is_available(),
        # It would draw a seed from the global generator, which is the run's.
        generator=torch.Generator(),
    )


def usable_cores() -> int:
    """The number of cores that this process may use; a container may limit it."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def collate(images: Sequence[ReadImage]) -> ReadBatch:
    """Join images to a batch, without the unreadable ones."""
    tensors = [each.image for each in images if each.image is not None]
    labels = [each.label for each in images if each.image is not None]
    reasons = {k: text for each in images for k, text in each.unreadable.items()}
    if not tensors:
        return None, reasons
    return Batch(torch.stack(tensors), torch.tensor(labels)), reasons


def ignore_signals(_: int) -> None:
    """Ignore signals to the process group: the parent needs its workers to finish."""
    for name in ("SIGINT", "SIGTERM", "SIGUSR1"):
        if hasattr(signal, name):  # Windows has no SIGUSR1
            signal.signal(getattr(signal, name), signal.SIG_IGN)
