"""Augmentation of small images that are in memory: a batch at a time, on tensors."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812  -- as everyone writes it
from torch import Generator, Tensor

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
        draws = torch.rand(8, len(images), generator=source)
        area = _between(draws[0], *self.crop_scale)
        low, high = self.aspect
        ratio = _between(draws[1], math.log(low), math.log(high)).exp()
        width = (area * ratio).sqrt().clamp(max=1)
        height = (area / ratio).sqrt().clamp(max=1)
        # In the coordinates of grid_sample an image reaches from -1 to 1.
        x = (2 * draws[2] - 1) * (1 - width) + (2 * draws[3] - 1) * 2 * self.shift
        y = (2 * draws[4] - 1) * (1 - height) + (2 * draws[5] - 1) * 2 * self.shift
        angle = (2 * draws[6] - 1) * math.radians(self.rotate)
        cos, sin = angle.cos(), angle.sin()
        sign = 1 - 2 * (draws[7] < self.flip).to(width.dtype)
        rows = (cos * width * sign, -sin * height, x, sin * width * sign, cos * height)
        theta = torch.stack((*rows, y), dim=1).view(-1, 2, 3)
        grid = F.affine_grid(theta, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, align_corners=False)


def erase(images: Tensor, share: float, source: Generator) -> Tensor:
    """Put normal noise in a rectangle of some of the images `[B, C, S, S]`.

    They are normalised, so the noise is as wide as they are: what timm calls the
    mode `pixel`, and DeiT trained with.
    """
    count, size = len(images), images.shape[-1]
    draws = torch.rand(5, count, TRIES, generator=source)
    area = _between(draws[0], *ERASED_AREA) * size**2
    low, high = ERASED_ASPECT
    aspect = _between(draws[1], math.log(low), math.log(high)).exp()
    heights, widths = (area * aspect).sqrt().round(), (area / aspect).sqrt().round()
    fits = (heights < size) & (widths < size)
    best = fits.to(torch.uint8).argmax(dim=1, keepdim=True)
    height, width = heights.gather(1, best), widths.gather(1, best)
    top = (draws[2].gather(1, best) * (size - height + 1)).floor()
    left = (draws[3].gather(1, best) * (size - width + 1)).floor()
    erased = (draws[4, :, :1] < share) & fits.gather(1, best)
    pixel = torch.arange(size)
    rows = (pixel >= top) & (pixel < top + height) & erased
    columns = (pixel >= left) & (pixel < left + width)
    inside = rows[:, None, :, None] & columns[:, None, None, :]
    return torch.where(inside, torch.randn(images.shape, generator=source), images)


def _between(draws: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * draws
