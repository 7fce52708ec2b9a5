"""Decode images and transform them as in evaluation, as timm and transformers do."""

import math
import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from deit_spec.model.preprocessing import Preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODES = {1: "L", 3: "RGB"}
"""The modes of Pillow by number of channels."""


def decode(image: Image.Image, channels: int, *, keep: bool = False) -> Image.Image:
    """Decode an image as grey (1 channel) or RGB (3), upright as Exif says.

    16-bit grey is scaled to 8 bits. The image is changed and closed, unless it is kept.
    Raises ValueError for another range or number of channels.
    """
    if channels not in MODES:
        takes = f"but the model takes {channels}"
        raise ValueError(f"an image is decoded to 1 or 3 channels, {takes}")
    with nullcontext() if keep else image:
        is_16_bit = image.mode == "I" and image.format == "PPM"
        if keep:
            image = ImageOps.exif_transpose(image)
        else:
            ImageOps.exif_transpose(image, in_place=True)
        if image.mode.startswith("I;16") or is_16_bit:
            deep = np.asarray(image).astype(np.uint32)
            image = Image.fromarray(((deep + 128) // 257).astype(np.uint8))
        elif image.mode in {"I", "F"}:
            kind = "32-bit integers" if image.mode == "I" else "floats"
            raise ValueError(f"the pixels are {kind} of unknown range")
        return image.convert(MODES[channels])


class CentralCrop:
    """The transform in evaluation: resize, crop the centre and normalise."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        self.preprocessing = preprocessing
        self.filter = Image.Resampling[preprocessing.interpolation.upper()]
        self.mean = torch.tensor(preprocessing.mean).view(-1, 1, 1)
        self.std = torch.tensor(preprocessing.std).view(-1, 1, 1)

    def __call__(self, image: Image.Image) -> Tensor:
        """Transform a decoded image to `[C, S, S]`."""
        pixels = torch.from_numpy(np.atleast_3d(np.array(self.crop(image))))
        scaled = pixels.permute(2, 0, 1).contiguous().float() / 255
        return self.normalise(scaled)

    def crop(self, image: Image.Image) -> Image.Image:
        """Resize an image and crop its centre."""
        size = self.preprocessing.size
        sides, (left, top) = self._geometry(image.size)
        image = image.resize(sides, self.filter)
        return image.crop((left, top, left + size, top + size))

    def region(self, sides: tuple[int, int]) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the crop, in pixels of an image."""
        size = self.preprocessing.size
        resized, (left, top) = self._geometry(sides)
        across, down = (side / new for side, new in zip(sides, resized, strict=True))
        return (
            *(left * across, top * down),
            *((left + size) * across, (top + size) * down),
        )

    def _geometry(self, sides: tuple[int, int]) -> tuple[tuple[int, int], ...]:
        """Width and height of the resized image, and the left and top of the crop."""
        size, resized = self.preprocessing.size, self.preprocessing.resized
        width = height = resized
        if self.preprocessing.resize == "shorter":
            short = min(sides)
            width, height = (int(resized * side / short) for side in sides)
        rounded = round if self.preprocessing.offset == "round" else math.floor
        corner = rounded((width - size) / 2), rounded((height - size) / 2)
        return (width, height), corner

    def normalise(self, pixels: Tensor) -> Tensor:
        """Normalise the channels of `[C, S, S]` pixels in [0, 1]."""
        return (pixels - self.mean) / self.std


ImageLike: TypeAlias = "str | os.PathLike[str] | Image.Image | NDArray[Any]"
"""The path of an image, an image, or its pixels."""


def transform_image(image: ImageLike, preprocessing: Preprocessing) -> Tensor:
    """Transform an image to the input `[C, S, S]` of a model.

    An array is `[H, W]` or `[H, W, C]`, of bytes or of floats in [0, 1]; floats are
    not rounded to bytes. Grey is repeated for each channel, and bytes of RGB are
    converted to grey for a model with one channel.

    Raises:
        OSError: The file cannot be read.
        TypeError: It is something else, such as a tensor.
        ValueError: The array has other values or another number of channels.
    """
    transform, channels = CentralCrop(preprocessing), preprocessing.channels
    if isinstance(image, np.ndarray):
        if image.ndim not in {2, 3} or 0 in image.shape:
            shape = list(image.shape)
            wanted = "a non-empty [H, W] or [H, W, C]"
            raise ValueError(f"an image array must be {wanted}, not {shape}")
        is_float = np.issubdtype(image.dtype, np.floating)
        if not is_float and image.dtype != np.uint8:
            kind = f"uint8 or float, not {image.dtype}"
            raise ValueError(f"array pixels must be {kind}")
        count = image.shape[2] if image.ndim > 2 else 1  # noqa: PLR2004
        is_converted = not is_float and (count, channels) == (3, 1)
        if count not in {1, channels} and not is_converted:
            found = f"the array has {count} channels"
            raise ValueError(f"{found}, but the model takes {channels}")
        if is_float or channels not in MODES:
            return _transform_channels(np.atleast_3d(image), transform)
        flat = image[..., 0] if image.shape[2:] == (1,) else image
        image = Image.fromarray(np.ascontiguousarray(flat))
    if isinstance(image, Image.Image):
        return transform(decode(image, channels, keep=True))
    if not isinstance(image, str | os.PathLike):
        kinds = "a path, an image of Pillow or a NumPy array"
        raise TypeError(f"an image must be {kinds}, not {type(image).__name__}")
    return transform(decode(Image.open(image), channels))


def _transform_channels(pixels: "NDArray[Any]", transform: CentralCrop) -> Tensor:
    """Transform each channel of `[H, W, C]` as an image of its own."""
    channels, is_float = transform.preprocessing.channels, pixels.dtype != np.uint8
    if is_float:
        pixels = pixels.astype(np.float32)
    if is_float and not (pixels.min() >= 0 and pixels.max() <= 1):
        values = f"from {pixels.min():g} to {pixels.max():g}"
        raise ValueError(f"float pixels must be in [0, 1], but these range {values}")
    cropped = [
        np.asarray(transform.crop(Image.fromarray(np.ascontiguousarray(channel))))
        for channel in np.moveaxis(pixels, 2, 0)
    ]
    # A filter with negative lobes may leave the range; bytes would be clipped.
    stacked = torch.from_numpy(np.stack(cropped))
    stacked = stacked.clamp(0, 1) if is_float else stacked.float() / 255
    return transform.normalise(stacked.expand(channels, -1, -1))
