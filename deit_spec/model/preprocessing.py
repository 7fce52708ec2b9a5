"""How an image becomes the input of a model, as data; `image_transform` executes it."""

import json
import math
from dataclasses import asdict, dataclass
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from deit_spec.recipe import Recipe
from deit_spec.spec import DeiTSpec

Interpolation: TypeAlias = Literal[
    "nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"
]
"""The filters of Pillow, in the order of their numbers there and in transformers."""

CROP: Final = 0.875
"""The side of the central crop in evaluation, as a share of the resized image."""
SMALLEST_CROP: Final = 0.1
"""A smaller crop would need a resized image of much more memory."""
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's training images in [0, 1], as in torchvision, timm and DeiT."""
GREY_MEAN, GREY_STD = (0.4589,), (0.2256,)
"""The same, weighted as Pillow makes grey: 0.299 red, 0.587 green, 0.114 blue."""
DIGITS_MEAN, DIGITS_STD = (0.3053,), (0.3760,)
"""Of all pixels of scikit-learn's 1,797 digits, in [0, 1]."""

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class PreprocessingError(ValueError):
    """A description of preprocessing is damaged or unsupported; the text says why."""


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the input `[C, S, S]` of a model.

    It is resized, the centre is cropped, pixels are scaled to [0, 1], and each channel
    is normalised: `(pixel - mean) / std`.

    Attributes:
        size: The side S of the input, in pixels.
        channels: The number C of channels: 1 for grey, 3 for RGB.
        crop: The side of the central crop, as a share of the resized image, which
            has `floor(size / crop)` pixels.
        interpolation: The filter of Pillow that resizes the image.
        mean: Of each channel, of pixels in [0, 1].
        std: Of each channel, of pixels in [0, 1].
        resize: `shorter`: the shorter side is resized and the aspect ratio is kept, as
            in timm and DeiT. `exact`: both sides are, as in most processors of
            transformers.
        offset: What becomes of half a pixel where the crop cannot be centred: `round`
            to an even number, as in timm, or `floor`, as in transformers.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    size: Annotated[int, Field(gt=0)]
    channels: Annotated[int, Field(gt=0)] = 3
    crop: Annotated[float, Field(ge=SMALLEST_CROP, le=1)] = CROP
    interpolation: Interpolation = "bicubic"
    mean: tuple[_Finite, ...] = IMAGENET_MEAN
    std: tuple[_Positive, ...] = IMAGENET_STD
    resize: Literal["shorter", "exact"] = "shorter"
    offset: Literal["round", "floor"] = "round"

    @property
    def resized(self) -> int:
        """The side, or the shorter one, of the image before it is cropped, in pixels.

        >>> Preprocessing(224).resized
        256
        """
        return max(self.size, math.floor(self.size / self.crop))

    def to_json(self) -> str:
        """Write the preprocessing as a JSON object, on one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Preprocessing":
        """Read what `to_json` wrote, or raise a PreprocessingError."""
        try:
            found = _SCHEMA.validate_json(text, strict=True)
        except ValidationError as error:
            raise PreprocessingError(reason_of(error)) from None
        return require_statistics(found)


_SCHEMA = TypeAdapter(Preprocessing)


def default_statistics(channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The mean and std to use if nothing gives any: of ImageNet, or for [-1, 1]."""
    if channels == 1:
        return GREY_MEAN, GREY_STD
    if channels == len(IMAGENET_MEAN):
        return IMAGENET_MEAN, IMAGENET_STD
    return (0.5,) * channels, (0.5,) * channels


def preprocessing_of(
    spec: DeiTSpec, recipe: Recipe | None = None, crop: float | None = None
) -> Preprocessing:
    """The preprocessing that a recipe evaluates with, or that of ImageNet without one.

    Digits are used whole, as they are; other images are cropped. `crop` is another one.
    """
    mean, std = default_statistics(spec.in_channels)
    default_crop = CROP
    if recipe is not None and recipe.data.builtin == "digits":
        mean, std, default_crop = DIGITS_MEAN, DIGITS_STD, 1.0
    if recipe is not None:
        mean, std = recipe.data.mean or mean, recipe.data.std or std
    return Preprocessing(
        spec.image_size, spec.in_channels, crop or default_crop, mean=mean, std=std
    )


def require_statistics(found: Preprocessing) -> Preprocessing:
    """Check that each channel has a mean and a positive std (PreprocessingError)."""
    for name in ("mean", "std"):
        if (count := len(getattr(found, name))) != found.channels:
            reason = f"{name} has {count} values for {found.channels} channels"
            raise PreprocessingError(reason)
    if min(found.std) <= 0:
        raise PreprocessingError(f"std is {min(found.std)}, which is not positive")
    return found


def reason_of(error: ValidationError) -> str:
    """The first problem that pydantic found, and where."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]
