"""What training sees of its images, wherever these come from."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """Images and their labels.

    `images` is `[b, C, S, S]`, normalised. `labels` is `[b]`, class indices, or
    `[b, K]`, the probabilities that mixing images makes of them.
    """

    images: Tensor
    labels: Tensor


class Data(ABC):
    """Labelled images, a part to train on and a part held out.

    Whatever is random in a batch follows from the run's seed and the step alone, so
    the batches of steps `first` to `last` are the same whoever asks, and when.
    """

    classes: tuple[str, ...]
    train_count: int
    val_count: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    unreadable: list[str]
    """What could not be read and was skipped so far, in the order it was met."""

    def steps_per_epoch(self, batch_size: int) -> int:
        """How many batches an epoch has; repeated augmentation makes it no longer."""
        return max(1, self.train_count // batch_size)

    @abstractmethod
    def train(
        self, first: int, last: int, *, rank: int = 0, world: int = 1
    ) -> Iterator[Batch]:
        """This process's part of the batches of steps `first` to `last - 1`.

        Of the images of a step, process `rank` of `world` has every `world`-th.

        Raises:
            DataError: More images are unreadable than the recipe allows.
        """

    @abstractmethod
    def val(self, batch_size: int, *, rank: int = 0, world: int = 1) -> Iterator[Batch]:
        """This process's part of the images held out, without augmentation.

        Over all processes each image comes once; labels are class indices.

        Raises:
            DataError: More images are unreadable than the recipe allows.
        """
