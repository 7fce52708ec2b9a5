"""What a model sees of an image, in training and in evaluation."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from PIL import Image
from torch import Tensor

from deit_spec.distill.extra import require_packages

if TYPE_CHECKING:
    from deit_spec.recipe.recipe_schema import Augmentation

View: TypeAlias = Callable[[Image.Image], Tensor]
"""From an image to `[C, S, S]`."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's training images in [0, 1], as torchvision, timm and DeiT have them."""
GREY_MEAN, GREY_STD = (0.4589,), (0.2256,)
"""The same, weighted as Pillow makes grey: 0.299 red, 0.587 green, 0.114 blue. For
the mean that is exact; for the deviation it would be if the channels went together.
"""
CROP = 0.875
"""The share of the resized image's side that is seen in evaluation."""


def usual_statistics(channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The mean and the deviation of images of which nothing else is said."""
    grey = GREY_MEAN, GREY_STD
    return grey if channels == 1 else (IMAGENET_MEAN, IMAGENET_STD)


class CentralView:
    """The middle of an image: how it is seen in evaluation.

    The shorter side is resized to S / `crop`, rounded down (bicubic), and the
    central S×S pixels are normalised, as timm and the authors of DeiT have it.
    """

    def __init__(
        self,
        size: int,
        mean: Sequence[float],
        std: Sequence[float],
        crop: float = CROP,
    ) -> None:
        self.size = size
        self.shorter = max(size, math.floor(size / crop))
        self.mean = torch.tensor(mean).view(-1, 1, 1)
        self.std = torch.tensor(std).view(-1, 1, 1)

    def __call__(self, image: Image.Image) -> Tensor:
        """Give `[C, S, S]`."""
        seen = centre(image, self.size, self.shorter)
        return (as_tensor(seen) - self.mean) / self.std


def centre(image: Image.Image, size: int, shorter: int) -> Image.Image:
    """Resize the shorter side, and cut the square of a side out of the middle."""
    short = min(image.size)
    width, height = (
        shorter if side == short else int(shorter * side / short) for side in image.size
    )
    if (width, height) != image.size:
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = round((width - size) / 2), round((height - size) / 2)
    return image.crop((left, top, left + size, top + size))


def as_tensor(image: Image.Image) -> Tensor:
    """The pixels `[C, S, S]` in [0, 1]."""
    import numpy as np  # noqa: PLC0415  -- of the extra `train`

    pixels = torch.from_numpy(np.array(image, copy=True))
    if pixels.ndim == 2:  # noqa: PLR2004  -- grey
        pixels = pixels.unsqueeze(-1)
    return pixels.permute(2, 0, 1).contiguous().float() / 255


def random_view(
    augmentation: "Augmentation",
    size: int,
    mean: Sequence[float],
    std: Sequence[float],
) -> View:
    """Timm's training transforms, set as the authors of DeiT set them.

    Raises:
        MissingPackageError: timm or torchvision is not installed.
        ValueError: timm does not understand the words for RandAugment.
    """
    require_packages("images in training", "timm", "torchvision")
    from timm.data import create_transform  # noqa: PLC0415  -- takes seconds

    crop = augmentation.crop_scale
    try:
        view: Any = create_transform(
            size,
            is_training=True,
            scale=crop,
            hflip=augmentation.flip,
            color_jitter=augmentation.color_jitter or None,
            auto_augment=augmentation.rand_augment,
            interpolation="bicubic",
            re_prob=augmentation.erasing,
            re_mode="pixel",
            mean=tuple(mean),
            std=tuple(std),
        )
    except (AssertionError, KeyError) as error:
        raise ValueError(str(error) or type(error).__name__) from None
    if crop is None:  # as timm's own place for it: the first
        view.transforms[0] = WholeView(size)
    for step in view.transforms:
        for op in getattr(step, "ops", ()):
            _keep_a_bit(op)
    transform: View = view
    return transform


def _keep_a_bit(op: Any) -> None:
    """Let an op of RandAugment leave each channel one bit at least.

    At its highest magnitude timm posterizes to no bits at all, an image that is
    black; Pillow took that until version 13, and refuses it now.
    """
    if op.name.startswith("Posterize"):
        op.level_fn = _AtLeastOne(op.level_fn)


class _AtLeastOne:
    """What timm makes of a magnitude, 1 at least; a class, to go to a worker."""

    def __init__(self, level: Callable[..., tuple[int]]) -> None:
        self.level = level

    def __call__(self, magnitude: float, settings: object) -> tuple[int]:
        (bits,) = self.level(magnitude, settings)
        return (max(1, bits),)


class WholeView:
    """The largest square in the middle of an image, resized to a side (bicubic)."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, image: Image.Image) -> Image.Image:
        """Give an image of S×S pixels."""
        return centre(image, self.size, self.size)
