"""The transforms of training, as those of timm and of the authors of DeiT.

Touvron et al., "DeiT III: Revenge of the ViT", ECCV 2022, has the policy of three
augmentations and the simple random crop.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from PIL import Image
from torch import Tensor

from deit_spec.distill.optional_packages import require_packages
from deit_spec.recipe.augmentation_settings import Augmentation

PADDING = 4
"""The pixels that the simple random crop adds on each side, by reflection."""
Transform: TypeAlias = Callable[[Image.Image], Tensor]
"""From an image to `[C, S, S]`."""


def training_transform(
    augmentation: Augmentation, size: int, mean: Sequence[float], std: Sequence[float]
) -> Transform:
    """The training transforms of timm, with the settings of DeiT."""
    require_packages("images in training", "timm", "torchvision")
    from timm.data import create_transform  # noqa: PLC0415  -- takes seconds
    from torchvision import transforms  # noqa: PLC0415

    policies = {
        "rand_augment": augmentation.rand_augment,
        "three_augment": "3a",
        "none": None,
    }
    try:
        transform: Any = create_transform(
            size,
            is_training=True,
            scale=augmentation.crop_scale,
            hflip=augmentation.flip,
            color_jitter=augmentation.color_jitter or None,
            auto_augment=policies[augmentation.chosen_policy],
            interpolation="bicubic",
            re_prob=augmentation.erasing,
            re_mode="pixel",
            mean=tuple(mean),
            std=tuple(std),
        )
    except (AssertionError, KeyError) as error:
        raise ValueError(str(error) or type(error).__name__) from None
    is_simple = augmentation.crop == "simple"
    if is_simple or augmentation.crop_scale is None:  # timm's first step is the crop
        resize = transforms.Resize(size, transforms.InterpolationMode.BICUBIC)
        crop: Any = transforms.CenterCrop(size)
        if is_simple:
            crop = transforms.RandomCrop(size, PADDING, padding_mode="reflect")
        transform.transforms[0:1] = [resize, crop]
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
