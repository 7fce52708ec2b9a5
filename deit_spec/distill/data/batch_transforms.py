"""Augmentation of a batch in memory; NumPy is faster than torch for its parameters."""

import math
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Self, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812  -- as everyone writes it
from torch import Generator, Tensor

from deit_spec.distill.data.dataset import Batch

if TYPE_CHECKING:
    import numpy as np

    from deit_spec.recipe.augmentation_settings import Augmentation

    Numbers: TypeAlias = np.typing.NDArray[np.float32]

ASPECT = (3 / 4, 4 / 3)
"""The range of the ratio of a crop's width to its height, as in Inception."""
ERASED_AREA = (0.02, 1 / 3)
ERASED_ASPECT = (0.3, 1 / 0.3)
"""As in Zhong et al., "Random erasing data augmentation", 2020, and timm."""
TRIES = 10
"""The rectangles to try before an image is left as it is, as in timm."""


@dataclass(frozen=True)
class Warp:
    """Random crops, shifts and rotations, in one bilinear resampling.

    `crop_scale` is the range of the share of the area that a crop keeps, and `aspect`
    the range of its width over its height, log-uniform. `shift` is the maximum as a
    share of the side, and `rotate` the maximum in degrees.
    """

    crop_scale: tuple[float, float] = (1.0, 1.0)
    aspect: tuple[float, float] = ASPECT
    shift: float = 0.0
    rotate: float = 0.0

    def __call__(self, images: Tensor, source: Generator) -> Tensor:
        """Warp images `[B, C, S, S]`; pixels from outside are 0."""
        import numpy as np  # noqa: PLC0415  -- of the extra `train`

        count, side = len(images), images.shape[-1]
        low, high = map(math.log, self.aspect)
        smallest, largest = self.crop_scale
        # The last row is not used; without it later draws would change.
        draws = torch.rand(8, count, generator=source).numpy()
        area = smallest + (largest - smallest) * draws[0]
        root = np.exp((low + (high - low) * draws[1]) / 2)
        sizes = np.minimum(np.sqrt(area) * np.stack((root, 1 / root)), 1)
        # The coordinates of grid_sample run from -1 to 1.
        positions = 2 * draws[2:6].reshape(2, 2, count) - 1
        middles = positions[0] * (1 - sizes) + positions[1] * (2 * self.shift)
        angle = (2 * draws[6] - 1) * math.radians(self.rotate)
        cos, sin = np.cos(angle) * sizes, np.sin(angle) * sizes
        x, y = _pixels(side)
        grid = np.empty((count, side, side, 2), dtype=np.float32)
        for axis, along, across in ((0, cos[0], -sin[1]), (1, sin[0], cos[1])):
            seen = along[:, None] * x + across[:, None] * y + middles[axis][:, None]
            grid[..., axis] = seen.reshape(count, side, side)
        return F.grid_sample(images, torch.from_numpy(grid), align_corners=False)


@lru_cache(maxsize=4)
def _pixels(side: int) -> "tuple[Numbers, Numbers]":
    """The centres of all pixels, `[S * S]` to the right and `[S * S]` downwards."""
    import numpy as np  # noqa: PLC0415

    middles = ((2 * np.arange(side) + 1) / side - 1).astype(np.float32)
    return np.tile(middles, side), np.repeat(middles, side)


def erase(images: Tensor, share: float, source: Generator) -> Tensor:
    """Fill a rectangle in a share of images `[B, C, S, S]` with noise, as timm does."""
    import numpy as np  # noqa: PLC0415  -- of the extra `train`

    count, side = len(images), images.shape[-1]
    smallest, largest = ERASED_AREA
    low, high = map(math.log, ERASED_ASPECT)
    draws = torch.rand(2, count, TRIES, generator=source).numpy()
    area = (smallest + (largest - smallest) * draws[0]) * side**2
    root = np.exp((low + (high - low) * draws[1]) / 2)
    tried = np.rint(np.sqrt(area) * np.stack((root, 1 / root)))
    fits = (tried < side).all(0)
    first = np.arange(count), fits.argmax(1)
    sizes = tried[:, *first, None]
    where = torch.rand(3, count, 1, generator=source).numpy()
    start = np.floor(where[:2] * (side + 1 - sizes))
    pixel = np.arange(side)
    rows, columns = (pixel >= start) & (pixel < start + sizes)
    rows &= (where[2] < share) & fits[first][:, None]
    inside = torch.from_numpy(rows[:, None, :, None] & columns[:, None, None, :])
    return torch.where(inside, torch.randn(images.shape, generator=source), images)


@dataclass(frozen=True)
class Mixing:
    """Mix each image with its counterpart in the reversed batch, as timm does.

    A batch is mixed by mixup (Zhang et al., 2018) or by cutmix (Yun et al., 2019); if
    both are on, by cutmix with the probability `switch`. An alpha of 0 turns one off.
    """

    mixup: float
    cutmix: float
    switch: float
    classes: int

    @classmethod
    def of(cls, augmentation: "Augmentation", classes: int) -> Self:
        """The mixing of a recipe, for labels of so many classes."""
        chosen = augmentation.mixup, augmentation.cutmix, augmentation.mix_switch
        return cls(*chosen, classes)

    def __bool__(self) -> bool:
        return self.mixup > 0 or self.cutmix > 0

    def __call__(self, batch: Batch, source: Random) -> Batch:
        """Mix images `[b, C, S, S]` and labels `[b]`, which become `[b, K]`."""
        images, labels = batch.images, F.one_hot(batch.labels, self.classes)
        both = self.mixup > 0 and self.cutmix > 0
        cuts = source.random() < self.switch if both else self.cutmix > 0
        alpha = self.cutmix if cuts else self.mixup
        keep = source.betavariate(alpha, alpha)
        if cuts:
            size, mixed = images.shape[-1], images.clone()
            top, bottom, left, right = draw_box(size, keep, source)
            box = ..., slice(top, bottom), slice(left, right)
            mixed[box] = images.flip(0)[box]
            keep = 1 - (bottom - top) * (right - left) / size**2
        else:
            mixed = images * keep + images.flip(0) * (1 - keep)
        labels = labels.to(images.dtype)
        return Batch(mixed, labels * keep + labels.flip(0) * (1 - keep))


def draw_box(size: int, keep: float, source: Random) -> tuple[int, int, int, int]:
    """The top, bottom, left and right of a clipped square of `1 - keep` of the area."""
    side = int(size * math.sqrt(1 - keep))
    row, column = source.randrange(size), source.randrange(size)
    before, after = side // 2, (side + 1) // 2
    return (
        max(row - before, 0),
        min(row + after, size),
        max(column - before, 0),
        min(column + after, size),
    )
