"""Images are decoded as torchvision does, and transformed as timm does."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from deit_spec.distill.optional_packages import import_package
from deit_spec.model.image_transform import CentralCrop, decode
from deit_spec.model.preprocessing import Preprocessing


@pytest.mark.parametrize("size", [(30, 20), (20, 31), (16, 16), (7, 90), (225, 300)])
@pytest.mark.parametrize("side", [16, 17, 32])
def test_evaluation_transforms_as_timm(size: tuple[int, int], side: int) -> None:
    import_package("timm")
    from timm.data import create_transform  # noqa: PLC0415

    pixels = random.Random(str(size)).randbytes(3 * size[0] * size[1])
    image = Image.frombytes("RGB", size, pixels)
    theirs = create_transform(side, interpolation="bicubic", crop_pct=0.875)
    ours = CentralCrop(Preprocessing(side))
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
