"""Augmentation of small images that are in memory, a batch at a time.

What is drawn for each image is worked out by NumPy, which has less to do than torch
before it begins: for a batch of 64 digits that is what takes the time.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812  -- as everyone writes it
from torch import Generator, Tensor

if TYPE_CHECKING:
    import numpy as np

    Numbers: TypeAlias = np.typing.NDArray[np.float32]

ASPECT = (3 / 4, 4 / 3)
"""Between which a crop's width is to its height, as in Inception's training."""
ERASED_AREA = (0.02, 1 / 3)
ERASED_ASPECT = (0.3, 1 / 0.3)
"""Zhong et al., "Random erasing data augmentation", 2020, and timm."""
TRIES = 10
"""How many rectangles are tried before an image stays whole, as in timm."""


@dataclass(frozen=True)
class Warp:
    """Random crops, shifts, turns and mirror images, in one bilinear resampling.

    Attributes:
        crop_scale: The share of the area that a crop keeps, from and to.
        aspect: Between which the crop's width is to its height, in logarithms.
        shift: The farthest that an image moves, as a share of its side.
        rotate: The farthest that it turns, in degrees.
        flip: How often it is mirrored.
    """

    crop_scale: tuple[float, float] = (1.0, 1.0)
    aspect: tuple[float, float] = ASPECT
    shift: float = 0.0
    rotate: float = 0.0
    flip: float = 0.0

    def __call__(self, images: Tensor, source: Generator) -> Tensor:
        """Warp images `[B, C, S, S]`; what comes from outside is 0.

        A crop that would be wider or higher than the image is as wide or as high.
        """
        import numpy as np  # noqa: PLC0415  -- of the extra `train`

        count, side = len(images), images.shape[-1]
        low, high = map(math.log, self.aspect)
        smallest, largest = self.crop_scale
        draws = torch.rand(8, count, generator=source).numpy()
        area = smallest + (largest - smallest) * draws[0]
        root = np.exp((low + (high - low) * draws[1]) / 2)
        sizes = np.minimum(np.sqrt(area) * np.stack((root, 1 / root)), 1)
        # In the coordinates of grid_sample an image reaches from -1 to 1.
        places = 2 * draws[2:6].reshape(2, 2, count) - 1
        middles = places[0] * (1 - sizes) + places[1] * (2 * self.shift)
        angle = (2 * draws[6] - 1) * math.radians(self.rotate)
        sizes[0] *= np.where(draws[7] < self.flip, -1, 1)
        cos, sin = np.cos(angle) * sizes, np.sin(angle) * sizes
        x, y = _pixels(side)
        grid = np.empty((count, side, side, 2), dtype=np.float32)
        for axis, along, across in ((0, cos[0], -sin[1]), (1, sin[0], cos[1])):
            seen = along[:, None] * x + across[:, None] * y + middles[axis][:, None]
            grid[..., axis] = seen.reshape(count, side, side)
        return F.grid_sample(images, torch.from_numpy(grid), align_corners=False)


@lru_cache(maxsize=4)
def _pixels(side: int) -> "tuple[Numbers, Numbers]":
    """Where the middles of all pixels are, `[S * S]` to the right and downwards."""
    import numpy as np  # noqa: PLC0415

    middles = ((2 * np.arange(side) + 1) / side - 1).astype(np.float32)
    return np.tile(middles, side), np.repeat(middles, side)


def erase(images: Tensor, share: float, source: Generator) -> Tensor:
    """Put normal noise in a rectangle of some of the images `[B, C, S, S]`.

    They are normalised, so the noise is as wide as they are: what timm calls the
    mode `pixel`, and DeiT trained with.
    """
    import numpy as np  # noqa: PLC0415  -- of the extra `train`

    count, side = len(images), images.shape[-1]
    least, most = ERASED_AREA
    low, high = map(math.log, ERASED_ASPECT)
    draws = torch.rand(2, count, TRIES, generator=source).numpy()
    area = (least + (most - least) * draws[0]) * side**2
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
