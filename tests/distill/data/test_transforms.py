"""Transforms are those of timm, and images are decoded as torchvision does."""

import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.recipes import open_images

from deit_spec.distill.data.transforms import (
    IMAGENET_MEAN,
    CentralCrop,
    decode,
    training_transform,
)
from deit_spec.distill.optional_packages import import_package
from deit_spec.distill.seeds import temporary_seed
from deit_spec.recipe.recipe_schema import Augmentation


@pytest.mark.parametrize("words", ["rand-m9-mstd0.5-inc1", None])
@pytest.mark.parametrize("crop", [[0.5, 1.0], None])
def test_training_has_the_transforms_of_timm(
    parts: Path, words: str | None, crop: list[float] | None
) -> None:
    augmentation = {"rand_augment": words, "crop_scale": crop}
    data = open_images(parts, augmentation=augmentation)
    assert next(data.train(0, 1)).images.shape == (4, 3, 16, 16)
    steps = [type(step).__name__ for step in data._train.transform.transforms]
    assert steps == [
        *(["RandomResizedCropAndInterpolation"] if crop else ["Resize", "CenterCrop"]),
        "RandomHorizontalFlip",
        "RandAugment" if words else "ColorJitter",
        "MaybeToTensor",
        "Normalize",
        "RandomErasing",
    ]
    assert data._train.transform.transforms[-1].mode == "pixel"


@pytest.mark.parametrize(
    "words", ["rand-m9-mstd0.5-inc1", "rand-m10-mmax20-mstd5-inc1"]
)
def test_no_magnitude_is_too_high_for_pillow(words: str) -> None:
    """At 10 and above timm posterizes to no bits, which Pillow refuses."""
    augmentation = Augmentation(rand_augment=words, crop_scale=None, erasing=0.0)
    view = training_transform(augmentation, 4, IMAGENET_MEAN, (0.229, 0.224, 0.225))
    image = Image.frombytes("RGB", (4, 4), random.Random(0).randbytes(48))
    view = pickle.loads(pickle.dumps(view))  # as it goes to a worker
    with temporary_seed(0):
        for _ in range(2000):
            view(image)
        for op in view.transforms[3].ops:
            op.prob, op.magnitude, op.magnitude_std = 1.0, 1000, 0.0
            op(image)


@pytest.mark.parametrize("size", [(30, 20), (20, 31), (16, 16), (7, 90), (225, 300)])
@pytest.mark.parametrize("side", [16, 17, 32])
def test_evaluation_transforms_as_timm(size: tuple[int, int], side: int) -> None:
    import_package("timm")
    from timm.data import create_transform  # noqa: PLC0415

    pixels = random.Random(str(size)).randbytes(3 * size[0] * size[1])
    image = Image.frombytes("RGB", size, pixels)
    theirs = create_transform(side, interpolation="bicubic", crop_pct=0.875)
    ours = CentralCrop(side, IMAGENET_MEAN, (0.229, 0.224, 0.225))
    torch.testing.assert_close(ours(image), theirs(image))


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_grey_is_scaled_to_8_bits(tmp_path: Path, channels: int) -> None:
    """Pillow alone would clip values above 255."""
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(grey).save(tmp_path / "8.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "16.png")
    one, other = (
        decode(Image.open(tmp_path / name), channels) for name in ("8.png", "16.png")
    )
    assert one.mode == other.mode
    assert np.array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_pixels_without_a_range_are_unreadable(tmp_path: Path, kind: type) -> None:
    Image.fromarray(np.ones((8, 8), dtype=kind)).save(tmp_path / "a.tiff")
    with pytest.raises(ValueError, match="of unknown range"):
        decode(Image.open(tmp_path / "a.tiff"), 1)
