"""mixup and cutmix, as timm mixes a batch."""

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import torch.nn.functional as F  # noqa: N812  -- as everyone writes it
from torch import Tensor

from deit_spec.distill.data.base import Batch

if TYPE_CHECKING:
    from deit_spec.recipe.recipe_schema import Augmentation


class Box(NamedTuple):
    """The pixels from `top` and `left` up to `bottom` and `right`, exclusive."""

    top: int
    bottom: int
    left: int
    right: int


class Mix(NamedTuple):
    """How much is kept of each image, and where the other is put, if anywhere."""

    keep: float
    box: Box | None


@dataclass(frozen=True)
class Mixing:
    """Mixes each image with the one at its place from the end of the batch.

    A batch is mixed in one way: by mixup (Zhang et al., 2018) or, as often as
    `switch` says where both are on, by cutmix (Yun et al., 2019). An alpha of 0
    turns one off.
    """

    mixup: float
    cutmix: float
    switch: float
    classes: int

    @classmethod
    def of(cls, augmentation: "Augmentation", classes: int) -> Self:
        """What a recipe asks for, with labels of so many classes."""
        chosen = augmentation.mixup, augmentation.cutmix, augmentation.mix_switch
        return cls(*chosen, classes)

    def __bool__(self) -> bool:
        return self.mixup > 0 or self.cutmix > 0

    def __call__(self, batch: Batch, source: random.Random) -> Batch:
        """Mix images `[b, C, S, S]` and labels `[b]`, which become `[b, K]`."""
        mix = self.draw(batch.images.shape[-1], source)
        labels = F.one_hot(batch.labels, self.classes).to(batch.images.dtype)
        return Batch(
            _mixed(batch.images, mix),
            labels * mix.keep + labels.flip(0) * (1 - mix.keep),
        )

    def draw(self, size: int, source: random.Random) -> Mix:
        """Draw how images of a side are mixed."""
        both = self.mixup > 0 and self.cutmix > 0
        cuts = source.random() < self.switch if both else self.cutmix > 0
        alpha = self.cutmix if cuts else self.mixup
        keep = source.betavariate(alpha, alpha)
        if not cuts:
            return Mix(keep, None)
        box = draw_box(size, keep, source)
        area = (box.bottom - box.top) * (box.right - box.left)
        return Mix(1 - area / size**2, box)


def draw_box(size: int, keep: float, source: random.Random) -> Box:
    """Draw a square of `1 - keep` of the area, cut off where it leaves the image."""
    side = int(size * math.sqrt(1 - keep))
    row, column = source.randrange(size), source.randrange(size)
    before, after = side // 2, (side + 1) // 2
    return Box(
        max(row - before, 0),
        min(row + after, size),
        max(column - before, 0),
        min(column + after, size),
    )


def _mixed(images: Tensor, mix: Mix) -> Tensor:
    if mix.box is None:
        return images * mix.keep + images.flip(0) * (1 - mix.keep)
    top, bottom, left, right = mix.box
    mixed = images.clone()
    mixed[..., top:bottom, left:right] = images.flip(0)[..., top:bottom, left:right]
    return mixed
