"""What training needs of a dataset, wherever its images come from."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import torch
from torch import Tensor

from deit_spec.diagnostics import Diagnostic
from deit_spec.distill.data.sampler import Sampler
from deit_spec.distill.data.split import Split

CPU: Final = torch.device("cpu")


class Batch(NamedTuple):
    """Normalised images `[b, C, S, S]`, and labels `[b]` or probabilities `[b, K]`."""

    images: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Move both to a device, without waiting for pinned memory."""
        return Batch(*(each.to(device, non_blocking=True) for each in self))


class Data(ABC):
    """Labelled images to train on and held out; a batch is a function of its step."""

    split: Split
    ignored: Mapping[str, int]
    """The number of files that are not images of a class, by kind."""
    sampler: Sampler
    mean: tuple[float, ...]
    std: tuple[float, ...]
    notes: tuple[Diagnostic, ...] = ()
    """What is worth knowing about the classes."""
    reasons: dict[str, str]
    """Why images could not be read and were skipped so far, by name."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.split.classes

    @property
    def train_count(self) -> int:
        """The number of images to train on."""
        return len(self.split.train)

    @property
    def val_count(self) -> int:
        """The number of images held out."""
        return len(self.split.held_out)

    @property
    def unreadable(self) -> list[str]:
        """The images that could not be read and were skipped so far, in order."""
        return list(self.reasons)

    @abstractmethod
    def train(
        self,
        first: int,
        last: int,
        *,
        rank: int = 0,
        world: int = 1,
        device: torch.device = CPU,
    ) -> Iterator[Batch]:
        """This process's share of the batches of steps `first` to `last - 1`.

        Process `rank` of `world` gets every `world`-th image of a step, moved to the
        device and mixed there. A DataError if more images are unreadable than the
        recipe allows.
        """

    @abstractmethod
    def val(self, batch_size: int, *, rank: int = 0, world: int = 1) -> Iterator[Batch]:
        """This process's share of the held-out images, without augmentation.

        Over all processes each image comes once; labels are class indices. It raises
        DataError as `train` does.
        """
