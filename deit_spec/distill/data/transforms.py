"""Decode images and transform them, as timm and the authors of DeiT do."""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from deit_spec.distill.optional_packages import require_packages
from deit_spec.recipe.recipe_schema import Augmentation

Transform: TypeAlias = Callable[[Image.Image], Tensor]
"""From an image to `[C, S, S]`."""

MODES = {1: "L", 3: "RGB"}
"""The modes of Pillow by number of channels."""
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's training images in [0, 1], as in torchvision, timm and DeiT."""
GREY_MEAN, GREY_STD = (0.4589,), (0.2256,)
"""The same, weighted as Pillow makes grey: 0.299 red, 0.587 green, 0.114 blue."""
CROP = 0.875
"""The side of the central crop in evaluation, as a share of the resized image."""


def default_statistics(channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The mean and the standard deviation to use if a recipe gives none."""
    grey = GREY_MEAN, GREY_STD
    return grey if channels == 1 else (IMAGENET_MEAN, IMAGENET_STD)


def decode(image: Image.Image, channels: int) -> Image.Image:
    """Decode an image as grey (1 channel) or RGB (3), ignoring its Exif orientation."""
    with image:
        if image.mode.startswith("I;16"):
            deep = np.asarray(image).astype(np.uint32)
            image = Image.fromarray(((deep + 128) // 257).astype(np.uint8))
        elif image.mode in {"I", "F"}:
            kind = "32-bit integers" if image.mode == "I" else "floats"
            raise ValueError(f"the pixels are {kind} of unknown range")
        return image.convert(MODES[channels])


class CentralCrop:
    """The transform in evaluation: resize to S / `crop`, crop the centre, normalise."""

    def __init__(
        self, size: int, mean: Sequence[float], std: Sequence[float], crop: float = CROP
    ) -> None:
        self.size = size
        self.shorter = max(size, math.floor(size / crop))
        self.mean = torch.tensor(mean).view(-1, 1, 1)
        self.std = torch.tensor(std).view(-1, 1, 1)

    def __call__(self, image: Image.Image) -> Tensor:
        """Transform an image to `[C, S, S]`."""
        short = min(image.size)
        width, height = (int(self.shorter * side / short) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
        left, top = round((width - self.size) / 2), round((height - self.size) / 2)
        image = image.crop((left, top, left + self.size, top + self.size))
        pixels = torch.from_numpy(np.atleast_3d(np.array(image)))
        scaled = pixels.permute(2, 0, 1).contiguous().float() / 255
        return (scaled - self.mean) / self.std


def training_transform(
    augmentation: Augmentation, size: int, mean: Sequence[float], std: Sequence[float]
) -> Transform:
    """The training transforms of timm, with the settings of DeiT."""
    require_packages("images in training", "timm", "torchvision")
    from timm.data import create_transform  # noqa: PLC0415  -- takes seconds
    from torchvision import transforms  # noqa: PLC0415

    crop = augmentation.crop_scale
    try:
        transform: Any = create_transform(
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
    if crop is None:  # the random crop is timm's first step
        resize = transforms.Resize(size, transforms.InterpolationMode.BICUBIC)
        transform.transforms[0:1] = [resize, transforms.CenterCrop(size)]
    for step in transform.transforms:
        for op in getattr(step, "ops", ()):
            if op.name.startswith("Posterize"):
                op.level_fn = _AtLeastOneBit(op.level_fn)
    result: Transform = transform
    return result


class _AtLeastOneBit:
    """Make Posterize keep one bit, as Pillow 13 requires; a class can be pickled."""

    def __init__(self, level: Callable[..., tuple[int]]) -> None:
        self.level = level

    def __call__(self, magnitude: float, settings: object) -> tuple[int]:
        (bits,) = self.level(magnitude, settings)
        return (max(1, bits),)
