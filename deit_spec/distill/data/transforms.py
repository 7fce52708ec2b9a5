"""The transforms of training, as those of timm and of the authors of DeiT."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from PIL import Image
from torch import Tensor

from deit_spec.distill.optional_packages import require_packages
from deit_spec.recipe.augmentation_settings import Augmentation

Transform: TypeAlias = Callable[[Image.Image], Tensor]
"""From an image to `[C, S, S]`."""


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
