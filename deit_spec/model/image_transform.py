"""Decode images and transform them as in evaluation, as timm and transformers do."""

import math

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from deit_spec.model.preprocessing import Preprocessing

MODES = {1: "L", 3: "RGB"}
"""The modes of Pillow by number of channels."""


def decode(image: Image.Image, channels: int) -> Image.Image:
    """Decode an image as grey (1 channel) or RGB (3), upright as Exif says.

    16-bit grey is scaled to 8 bits; Pillow has scaled PGM from its maximum to 16 bits.
    """
    with image:
        is_16_bit = image.mode == "I" and image.format == "PPM"
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
        size, resized = self.preprocessing.size, self.preprocessing.resized
        width = height = resized
        if self.preprocessing.resize == "shorter":
            short = min(image.size)
            width, height = (int(resized * side / short) for side in image.size)
        image = image.resize((width, height), self.filter)
        rounded = round if self.preprocessing.offset == "round" else math.floor
        left, top = rounded((width - size) / 2), rounded((height - size) / 2)
        image = image.crop((left, top, left + size, top + size))
        pixels = torch.from_numpy(np.atleast_3d(np.array(image)))
        scaled = pixels.permute(2, 0, 1).contiguous().float() / 255
        return (scaled - self.mean) / self.std
