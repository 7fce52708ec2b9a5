"""Preprocessing in the forms of transformers and timm.

They are `preprocessor_config.json`, and `pretrained_cfg` in `config.json`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from deit_spec.diagnostics import Diagnostic, Label, Severity, Span, diagnose
from deit_spec.model.preprocessing import (
    CROP,
    IMAGENET_MEAN,
    IMAGENET_STD,
    SMALLEST_CROP,
    Interpolation,
    Preprocessing,
    PreprocessingError,
    reason_of,
    require_statistics,
)

FILTERS: Final[tuple[Interpolation, ...]] = get_args(Interpolation)
"""The filters by their numbers in Pillow, which transformers uses."""
_HALF: Final = [0.5]
_WHITE: Final = 255
"""The highest value of a pixel of 8 bits."""
_DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "DeiTImageProcessor": {"size": 256, "crop_size": 224, "resample": 3},
    "ViTImageProcessor": {"size": 224, "do_center_crop": False, "resample": 2},
    "BitImageProcessor": {
        "size": {"shortest_edge": 224},
        "crop_size": 224,
        "resample": 3,
    },
    "CLIPImageProcessor": {
        "size": {"shortest_edge": 224},
        "crop_size": 224,
        "resample": 3,
    },
}
"""What image processors of transformers do where their config does not say it."""
_KEEPING_RATIO: Final = frozenset({"BitImageProcessor", "CLIPImageProcessor"})
"""For these, a size that is a number is that of the shorter side."""
_MODEL_TYPES: Final = {"deit": "DeiTImageProcessor", "vit": "ViTImageProcessor"}
"""The processor of a model whose config does not name one."""


class _Size(BaseModel):
    """The size of an image, as transformers writes it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    height: int | None = None
    width: int | None = None
    shortest_edge: int | None = None
    longest_edge: int | None = None


class _Processor(BaseModel):
    """The keys that are read from a `preprocessor_config.json`."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)

    size: int | _Size
    crop_size: int | _Size | None = None
    resample: int
    do_resize: bool | None = True
    do_center_crop: bool | None = True
    do_rescale: bool | None = True
    rescale_factor: float = 1 / _WHITE
    do_normalize: bool | None = True
    image_mean: float | list[float] = _HALF
    image_std: float | list[float] = _HALF


class _PretrainedConfig(BaseModel):
    """The keys that are read from a `pretrained_cfg` of timm."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)

    input_size: list[int] | None = None
    crop_pct: float | None = None
    crop_mode: str | None = None
    interpolation: str | None = None
    mean: list[float] | None = None
    std: list[float] | None = None


def from_transformers(
    config: Mapping[str, Any], *, size: int, channels: int, model_type: str = ""
) -> Preprocessing:
    """Read the `preprocessor_config.json` of a model, or raise PreprocessingError.

    `size` and `channels` are those of its input, `model_type` is from its
    `config.json`.
    """
    name = _processor_name(config, model_type)
    given = {key: value for key, value in config.items() if value is not None}
    try:
        found = _Processor.model_validate({**_DEFAULTS[name], **given})
    except ValidationError as error:
        raise PreprocessingError(reason_of(error)) from None
    if not found.do_resize:
        raise PreprocessingError("images that are not resized are not supported")
    resize, resized = _side(found.size, "size")
    if isinstance(found.size, int) and name in _KEEPING_RATIO:
        resize = "shorter"
    cropped = resized
    if found.do_center_crop and found.crop_size is not None:
        _, cropped = _side(found.crop_size, "crop_size")
    elif resize == "shorter":
        raise PreprocessingError("images keep their aspect ratio but are not cropped")
    _require_size(cropped, size)
    # They normalise `factor` times our pixels, which are from 0 to 1.
    factor = found.rescale_factor * _WHITE if found.do_rescale else float(_WHITE)
    if math.isclose(factor, 1.0, rel_tol=1e-9):
        factor = 1.0
    if factor <= 0:
        raise PreprocessingError("rescale_factor is not positive")
    mean = _each(found.image_mean if found.do_normalize else 0.0, channels)
    std = _each(found.image_std if found.do_normalize else 1.0, channels)
    if not 0 <= found.resample < len(FILTERS):
        raise PreprocessingError(f"resample: {found.resample} is not a filter")
    return require_statistics(
        Preprocessing(
            size,
            channels,
            crop_of(size, resized),
            FILTERS[found.resample],
            tuple(each / factor for each in mean),
            tuple(each / factor for each in std),
            "exact" if resize == "exact" else "shorter",
            "floor",
        )
    )


def to_transformers(preprocessing: Preprocessing) -> dict[str, Any]:
    """Write a `preprocessor_config.json`; see `find_differences`.

    `BitImageProcessor` keeps the aspect ratio in every version of transformers.
    """
    size, resized = preprocessing.size, preprocessing.resized
    exact = {"height": resized, "width": resized}
    is_exact = preprocessing.resize == "exact"
    return {
        "crop_size": {"height": size, "width": size},
        "do_center_crop": True,
        "do_convert_rgb": preprocessing.channels == len(IMAGENET_MEAN),
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": list(preprocessing.mean),
        "image_processor_type": f"{'DeiT' if is_exact else 'Bit'}ImageProcessor",
        "image_std": list(preprocessing.std),
        "resample": FILTERS.index(preprocessing.interpolation),
        "rescale_factor": 1 / _WHITE,
        "size": exact if is_exact else {"shortest_edge": resized},
    }


def from_timm(config: Mapping[str, Any], *, size: int, channels: int) -> Preprocessing:
    """Read the `pretrained_cfg` of a model; a PreprocessingError if that fails."""
    try:
        found = _PretrainedConfig.model_validate(dict(config))
    except ValidationError as error:
        raise PreprocessingError(reason_of(error)) from None
    if found.input_size is not None:
        depth, *sides = found.input_size or [0]
        if len(sides) != 2 or sides[0] != sides[1]:  # noqa: PLR2004
            raise PreprocessingError(f"input_size is {found.input_size}, not square")
        _require_size(sides[0], size)
        if depth != channels:
            reason = f"images have {depth} channels, but the model takes {channels}"
            raise PreprocessingError(reason)
    mode = found.crop_mode or "center"
    if mode not in {"center", "squash"}:
        raise PreprocessingError(f"the crop_mode {mode} is not supported")
    interpolation = found.interpolation or "bicubic"
    if interpolation not in FILTERS:
        raise PreprocessingError(f"the interpolation {interpolation} is not supported")
    crop = found.crop_pct or CROP
    if not SMALLEST_CROP <= crop <= 1:
        reason = f"crop_pct is {crop}, which is not from {SMALLEST_CROP} to 1"
        raise PreprocessingError(reason)
    return require_statistics(
        Preprocessing(
            size,
            channels,
            crop,
            FILTERS[FILTERS.index(interpolation)],
            tuple(found.mean or IMAGENET_MEAN),
            tuple(found.std or IMAGENET_STD),
            "exact" if mode == "squash" else "shorter",
        )
    )


def to_timm(preprocessing: Preprocessing) -> dict[str, Any]:
    """Write the entries of timm's `pretrained_cfg` that say how images are prepared."""
    return {
        "crop_mode": "squash" if preprocessing.resize == "exact" else "center",
        "crop_pct": preprocessing.crop,
        "interpolation": preprocessing.interpolation,
        "mean": list(preprocessing.mean),
        "std": list(preprocessing.std),
    }


def find_differences(
    preprocessing: Preprocessing, library: Literal["transformers", "timm"], name: str
) -> Iterator[Diagnostic]:
    """DS428: how a library prepares images differently, whatever its config says.

    `name` is the file. A crop that moves in some images only is a note.
    """
    place, rest = Label(Span.of_file(name)), preprocessing.resized - preprocessing.size
    offset = "floor" if library == "transformers" else "round"
    differs = preprocessing.offset != offset
    # Half a pixel is rounded to an even number in timm, and down in transformers.
    if differs and rest % 4 == 3:  # noqa: PLR2004
        lower, upper = rest // 2, (rest + 1) // 2
        first = (
            f"{lower}, not {upper}" if offset == "floor" else f"{upper}, not {lower}"
        )
        corner = "top left" if offset == "floor" else "bottom right"
        side = preprocessing.resized
        note = f"the crop of {side}×{side} pixels starts at row and column {first}"
        message = f"{library} crops images 1 pixel further towards the {corner}"
        yield diagnose("DS428", message, place, notes=[note])
    elif differs and preprocessing.resize == "shorter":
        message = f"{library} crops some images in another place"
        note = "the crop moves by up to 1 pixel along the longer side of an image"
        found = diagnose("DS428", message, place, notes=[note])
        yield replace(found, severity=Severity.NOTE)
    if preprocessing.channels == 1 and library == "transformers":
        message = "transformers does not convert images to grey"
        note = "pipelines convert images to RGB, which the model rejects"
        help_ = 'pass `numpy.array(image.convert("L"))[None]` instead of an image'
        yield diagnose("DS428", message, place, notes=[note], helps=[help_])


def crop_of(size: int, resized: int) -> float:
    """The largest crop for which `floor(size / crop)` is `resized`.

    >>> crop_of(224, 256)
    0.875
    """
    if not size <= resized <= size / SMALLEST_CROP:
        reason = f"images are resized to {resized:,} pixels and cropped to {size:,}"
        raise PreprocessingError(reason)
    crop = size / resized
    while math.floor(size / crop) < resized:
        crop = math.nextafter(crop, 0)
    return crop


def _processor_name(config: Mapping[str, Any], model_type: str) -> str:
    """The class of an image processor, without the suffix of its implementation."""
    name = config.get("image_processor_type") or config.get("feature_extractor_type")
    name = str(name or _MODEL_TYPES.get(model_type, "an unnamed image processor"))
    name = name.replace("FeatureExtractor", "ImageProcessor")
    name = name.removesuffix("Fast").removesuffix("Pil")
    if name not in _DEFAULTS:
        known = ", ".join(_DEFAULTS)
        raise PreprocessingError(f"{name} is not supported, only {known}")
    return name


def _side(size: int | _Size, name: str) -> tuple[str, int]:
    """Which sides a size is of, and how long they are, in pixels."""
    if isinstance(size, int):
        return "exact", size
    if size.shortest_edge is not None and size.longest_edge is None:
        return "shorter", size.shortest_edge
    if size.height is None or size.height != size.width:
        given = size.model_dump(exclude_none=True)
        raise PreprocessingError(f"{name} is {given}, not square")
    return "exact", size.height


def _require_size(found: int, size: int) -> None:
    if found != size:
        reason = f"images are {found:,} pixels wide, but the model takes {size:,}"
        raise PreprocessingError(reason)


def _each(value: float | Sequence[float], channels: int) -> tuple[float, ...]:
    """A value for each channel; transformers repeats a single one."""
    values = [value] if isinstance(value, float | int) else list(value)
    return tuple(values * channels if len(values) == 1 else values)
