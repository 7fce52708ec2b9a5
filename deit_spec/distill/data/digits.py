"""scikit-learn's handwritten digits: 1,797 real images of 8×8 pixels, in memory."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from deit_spec.distill.data.batch_transforms import ASPECT, Mixing, Warp, erase
from deit_spec.distill.data.class_order import ClassOrder
from deit_spec.distill.data.dataset import CPU, Batch, Data
from deit_spec.distill.data.split import make_sampler, make_split
from deit_spec.distill.optional_packages import require_packages
from deit_spec.distill.runtime_errors import recipe_of
from deit_spec.distill.seeds import generator_of, random_of
from deit_spec.model.preprocessing import Preprocessing
from deit_spec.recipe import CheckedRecipe

SIZE = 8
WHITE = 16
"""The highest value of a pixel."""


@dataclass(frozen=True)
class DigitRows:
    """The labels and names of the digits."""

    labels: Sequence[int]
    prefix: str = "digits["

    def key(self, index: int) -> str:
        """The row in scikit-learn's dataset."""
        return f"{self.prefix}{index}]"

    def content(self, _: int) -> bytes:
        """Nothing: there are no other digits."""
        return b""


class Digits(Data):
    """The digits; each process makes the whole batch, and takes its share."""

    def __init__(
        self,
        checked: CheckedRecipe,
        order: ClassOrder,
        preprocessing: Preprocessing,
        held_out: Collection[str] | None = None,
    ) -> None:
        recipe = recipe_of(checked)
        augmentation = recipe.augmentation
        images, labels = read_digits()
        labels = torch.tensor(order.relabel(labels.tolist()))
        rows = DigitRows(labels.tolist())
        self.split = make_split(checked, order.classes, rows, held_out=held_out)
        rest, val = self.split.train, self.split.held_out
        self.ignored, self.notes = {}, order.notes
        self.mean, self.std = preprocessing.mean, preprocessing.std
        self.reasons = {}
        self.train_images, self.train_labels = images[rest], labels[rest]
        self._val = self._normalise(images[val]), labels[val]
        self._seed = recipe.run.seed
        self.sampler = make_sampler(recipe, self.split)
        self._warp = Warp(
            augmentation.crop_scale or (1.0, 1.0),
            ASPECT if augmentation.crop_scale else (1.0, 1.0),
            shift=augmentation.shift,
            rotate=augmentation.rotate,  # and no flip: a flipped digit is not a digit
        )
        self._erasing = augmentation.erasing
        self._mixing = Mixing.of(augmentation, len(self.classes))

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
        for step in range(first, last):
            images, labels = self._batch(step, device)
            yield Batch(images[rank::world], labels[rank::world])

    def val(self, batch_size: int, *, rank: int = 0, world: int = 1) -> Iterator[Batch]:
        """See `Data.val`."""
        images, labels = (each[rank::world] for each in self._val)
        for start in range(0, len(images), batch_size):
            end = start + batch_size
            yield Batch(images[start:end], labels[start:end])

    def _batch(self, step: int, device: torch.device) -> Batch:
        chosen = self.sampler.at(step)
        source = generator_of(self._seed, "augment", step)
        images = self._normalise(self._warp(self.train_images[chosen], source))
        if self._erasing:
            images = erase(images, self._erasing, source)
        batch = Batch(images, self.train_labels[chosen]).to(device)
        if not self._mixing:
            return batch
        return self._mixing(batch, random_of(self._seed, "mix", step))

    def _normalise(self, images: Tensor) -> Tensor:
        mean, std = torch.tensor(self.mean), torch.tensor(self.std)
        return (images - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)


def read_digits() -> tuple[Tensor, Tensor]:
    """The images `[1797, 1, 8, 8]` in [0, 1], and their labels `[1797]`."""
    require_packages("the digits", "sklearn")
    from sklearn.datasets import load_digits  # noqa: PLC0415  -- takes a second

    found = load_digits()
    images = torch.from_numpy(found.images).float().div(WHITE)
    return images.view(-1, 1, SIZE, SIZE), torch.from_numpy(found.target).long()
