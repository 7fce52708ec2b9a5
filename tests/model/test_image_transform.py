"""Images are decoded as torchvision does, and transformed as timm does."""

import json
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from deit_spec.distill.optional_packages import import_package
from deit_spec.model.image_transform import CentralCrop, decode, transform_image
from deit_spec.model.library_preprocessing import from_timm, from_transformers
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


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_pgm_is_scaled_by_its_maximum(tmp_path: Path, channels: int) -> None:
    """Of 0, 250, 500 and 1000 of 1000, in 255 parts: 63.75 and 127.5 are rounded up."""
    values = struct.pack(">4H", 0, 250, 500, 1000)
    (tmp_path / "binary.pgm").write_bytes(b"P5\n4 1\n1000\n" + values)
    (tmp_path / "text.pgm").write_text("P2\n4 1\n1000\n0 250 500 1000\n")
    for name in ("binary.pgm", "text.pgm"):
        image = decode(Image.open(tmp_path / name), channels)
        pixels = np.asarray(image).reshape(4, channels)
        assert pixels[:, 0].tolist() == [0, 64, 128, 255]
        assert (pixels == pixels[:, :1]).all()
    path = tmp_path / "binary.pgm"
    preprocessing = Preprocessing(
        1, channels, mean=(0,) * channels, std=(1,) * channels
    )
    wanted = transform_image(path, preprocessing)
    with Image.open(path) as image:
        assert torch.equal(transform_image(image, preprocessing), wanted)
        image.load()  # it is not closed
    (tmp_path / "a.pgm").write_bytes(b"P5\n3 1\n15\n\x00\x05\x0f")
    image = decode(Image.open(tmp_path / "a.pgm"), 1)
    assert np.asarray(image).tolist() == [[0, 85, 255]]


UPRIGHT = {
    1: lambda pixels: pixels,
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).T,
    8: np.rot90,
}
"""From the pixels in the file to the upright image, by the orientation of Exif."""


@pytest.mark.parametrize("kind", ["png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_images_are_upright(tmp_path: Path, orientation: int, kind: str) -> None:
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
    path = tmp_path / f"a.{kind}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(pixels).convert("RGB")
    image.save(path, exif=exif, **({"lossless": True} if kind == "webp" else {}))
    found = np.asarray(decode(Image.open(path), 1))
    assert np.array_equal(found, UPRIGHT[orientation](pixels))


def test_16_bit_images_are_upright(tmp_path: Path) -> None:
    pixels = np.arange(6, dtype=np.uint16).reshape(2, 3) * 40 * 257
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    found = np.asarray(decode(Image.open(tmp_path / "a.png"), 1))
    assert np.array_equal(found, np.rot90(pixels // 257, -1))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_is_ignored(tmp_path: Path) -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03\0"
    Image.new("RGB", (4, 2)).save(tmp_path / "a.jpg", exif=exif)
    assert decode(Image.open(tmp_path / "a.jpg"), 3).size == (4, 2)


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_pixels_without_a_range_are_unreadable(tmp_path: Path, kind: type) -> None:
    Image.fromarray(np.ones((8, 8), dtype=kind)).save(tmp_path / "a.tiff")
    with pytest.raises(ValueError, match="of unknown range"):
        decode(Image.open(tmp_path / "a.tiff"), 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("channels", [2, 4])
def test_arrays_of_any_number_of_channels(dtype: type, channels: int) -> None:
    """Each channel is resized as a grey image is."""
    grey = Preprocessing(8, 1, mean=(0.5,), std=(0.25,))
    many = Preprocessing(8, channels, mean=(0.5,) * channels, std=(0.25,) * channels)
    values = np.random.default_rng(0).random((12, 10, channels))
    array = (values * (255 if dtype is np.uint8 else 1)).astype(dtype)
    found = transform_image(array, many)
    assert found.shape == (channels, 8, 8)
    for channel in range(channels):
        wanted = transform_image(array[..., channel], grey)
        torch.testing.assert_close(found[channel : channel + 1], wanted)


@pytest.mark.parametrize(
    ("count", "channels"), [(4, 3), (2, 3), (3, 4), (5, 4), (2, 1)]
)
def test_arrays_of_another_number_of_channels(count: int, channels: int) -> None:
    statistics = {"mean": (0.5,) * channels, "std": (0.5,) * channels}
    array = np.zeros((8, 8, count), dtype=np.uint8)
    said = f"the array has {count} channels, but the model takes {channels}"
    for each in (array, array.astype(np.float32)):
        with pytest.raises(ValueError, match=said):
            transform_image(each, Preprocessing(8, channels, **statistics))  # type: ignore[arg-type]


def test_an_image_for_a_model_with_four_channels() -> None:
    preprocessing = Preprocessing(8, 4, mean=(0.5,) * 4, std=(0.5,) * 4)
    with pytest.raises(ValueError, match="1 or 3 channels, but the model takes 4"):
        transform_image(Image.new("RGB", (8, 8)), preprocessing)


def test_a_tensor_is_not_an_image() -> None:
    image: Any = torch.zeros(3, 8, 8)
    with pytest.raises(TypeError, match="a NumPy array, not Tensor"):
        transform_image(image, Preprocessing(8))


SIZES = [(30, 20), (20, 31), (16, 16), (7, 90), (97, 64), (225, 300)]


def noise(size: tuple[int, int]) -> Image.Image:
    pixels = random.Random(str(size)).randbytes(3 * size[0] * size[1])
    return Image.frombytes("RGB", size, pixels)


@pytest.mark.parametrize("kind", ["DeiT", "ViT", "Bit", "CLIP"])
@pytest.mark.parametrize("size", SIZES)
def test_as_the_processors_of_transformers(kind: str, size: tuple[int, int]) -> None:
    import_package("transformers")
    import transformers  # noqa: PLC0415  -- takes seconds

    options = {"size": {"height": 37, "width": 37}} if kind == "DeiT" else {}
    if kind in {"Bit", "CLIP"}:
        options = {"size": {"shortest_edge": 37}}
    if kind == "ViT":
        options = {"size": {"height": 32, "width": 32}, "resample": 0}
    else:
        options |= {"crop_size": {"height": 32, "width": 32}}
    theirs = getattr(transformers, f"{kind}ImageProcessorPil")(**options)
    config = json.loads(theirs.to_json_string())
    config["image_processor_type"] = f"{kind}ImageProcessorFast"
    ours = CentralCrop(from_transformers(config, size=32, channels=3))
    image = noise(size)
    wanted = theirs(image, return_tensors="pt")["pixel_values"][0]
    torch.testing.assert_close(ours(image), wanted)


@pytest.mark.parametrize("kind", ["DeiT", "Bit", "CLIP"])
def test_a_size_that_is_a_number(kind: str) -> None:
    """Of the shorter side in some processors of transformers, of both in others."""
    import_package("transformers")
    import transformers  # noqa: PLC0415  -- takes seconds

    options = {"size": 37, "crop_size": 32, "resample": 3}
    theirs = getattr(transformers, f"{kind}ImageProcessorPil")(**options)
    statistics = {
        key: list(getattr(theirs, key)) for key in ("image_mean", "image_std")
    }
    config = {**options, **statistics, "image_processor_type": f"{kind}ImageProcessor"}
    ours = CentralCrop(from_transformers(config, size=32, channels=3))
    image = noise((97, 64))
    wanted = theirs(image, return_tensors="pt")["pixel_values"][0]
    torch.testing.assert_close(ours(image), wanted)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["center", "squash"])
def test_as_the_config_of_timm(size: tuple[int, int], mode: str) -> None:
    import_package("timm")
    from timm.data import create_transform, resolve_data_config  # noqa: PLC0415

    half = [0.5, 0.5, 0.5]
    config = {"input_size": [3, 32, 32], "crop_pct": 0.9, "mean": half, "std": half}
    config |= {"interpolation": "bilinear", "crop_mode": mode}
    theirs = create_transform(**resolve_data_config({}, pretrained_cfg=config))
    ours = CentralCrop(from_timm(config, size=32, channels=3))
    image = noise(size)
    torch.testing.assert_close(ours(image), theirs(image))


@pytest.mark.parametrize("resize", ["shorter", "exact"])
@pytest.mark.parametrize("sides", [(64, 48), (48, 70), (200, 200)])
def test_the_region_of_a_crop_is_where_its_pixels_are_from(
    sides: tuple[int, int], resize: str
) -> None:
    """Of images whose pixels are their own coordinates, which filters keep."""
    preprocessing = Preprocessing(16, 1, 0.5, "bilinear", (0.0,), (1.0,), resize)  # type: ignore[arg-type]
    transform = CentralCrop(preprocessing)
    left, top, right, bottom = transform.region(sides)
    across, down = np.meshgrid(np.arange(sides[0]) + 0.5, np.arange(sides[1]) + 0.5)
    for values, start, end, axis in ((across, left, right, 1), (down, top, bottom, 0)):
        image = Image.fromarray(values.astype(np.float32))
        found = np.asarray(transform.crop(image)).mean(axis=1 - axis)
        pixel = (end - start) / 16
        wanted = start + pixel * (np.arange(16) + 0.5)
        np.testing.assert_allclose(found, wanted, atol=0.1)
