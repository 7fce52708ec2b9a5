"""transformers and timm prepare images as we do, or the difference is reported."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from peers import import_timm, import_transformers
from PIL import Image
from support.images import drawn_image, preprocessings

from deit_spec.diagnostics import Severity
from deit_spec.model.image_transform import CentralCrop
from deit_spec.model.library_preprocessing import (
    find_differences,
    from_timm,
    from_transformers,
    to_timm,
    to_transformers,
)
from deit_spec.model.preprocessing import Preprocessing

SIDES = st.tuples(st.integers(3, 60), st.integers(3, 60))


def processor(preprocessing: Preprocessing, **options: Any) -> Any:
    """The image processor that transformers finds in a folder."""
    with TemporaryDirectory() as folder:
        text = json.dumps(to_transformers(preprocessing))
        (Path(folder) / "preprocessor_config.json").write_text(text)
        kind = import_transformers().AutoImageProcessor
        return kind.from_pretrained(folder, **options)


@given(preprocessing=preprocessings(), sides=SIDES)
def test_transformers_prepares_images_as_we_do(
    preprocessing: Preprocessing, sides: tuple[int, int]
) -> None:
    """Exactly with its backend Pillow, and to 2 of 255 levels with torchvision.

    Half a pixel at the edge of the crop is rounded in another way, which DS428 reports
    where it always happens. torchvision computes the other filters in its own way.
    """
    image = drawn_image(sides, preprocessing.channels, sum(sides))
    wanted = CentralCrop(replace(preprocessing, offset="floor"))(image)
    tolerances = {"pil": 1e-4}
    if preprocessing.interpolation in {"bilinear", "bicubic"}:
        tolerances["torchvision"] = 2.01 / 255 / min(preprocessing.std)
    for backend, tolerance in tolerances.items():
        prepare = processor(preprocessing, backend=backend)
        found = prepare(image, return_tensors="pt")["pixel_values"][0]
        torch.testing.assert_close(found, wanted, rtol=0, atol=tolerance)


@given(preprocessing=preprocessings(), sides=SIDES)
def test_timm_prepares_images_as_we_do(
    preprocessing: Preprocessing, sides: tuple[int, int]
) -> None:
    """With the transform that it makes of its config, exactly."""
    size, channels = preprocessing.size, preprocessing.channels
    config = {"input_size": [channels, size, size], **to_timm(preprocessing)}
    data = import_timm().data
    prepare = data.create_transform(**data.resolve_data_config(pretrained_cfg=config))
    image = drawn_image(sides, channels, sum(sides))
    wanted = CentralCrop(replace(preprocessing, offset="round"))(image)
    torch.testing.assert_close(prepare(image), wanted, rtol=0, atol=1e-5)


@given(preprocessing=preprocessings())
def test_what_is_written_is_read(preprocessing: Preprocessing) -> None:
    """With the offset of the library, and a crop of the same number of pixels."""
    size, channels = preprocessing.size, preprocessing.channels
    theirs = from_transformers(
        to_transformers(preprocessing), size=size, channels=channels
    )
    assert theirs.resized == preprocessing.resized
    same = {"crop": preprocessing.crop, "offset": preprocessing.offset}
    assert replace(theirs, **same) == preprocessing  # type: ignore[arg-type]
    theirs = from_timm(to_timm(preprocessing), size=size, channels=channels)
    assert replace(theirs, offset=preprocessing.offset) == preprocessing


@given(preprocessing=preprocessings(), seed=st.integers(0, 9))
def test_a_crop_that_transformers_moves_is_reported(
    preprocessing: Preprocessing, seed: int
) -> None:
    """Of square images; all are prepared the same where nothing is reported."""
    side = 2 * preprocessing.size + 11
    image = drawn_image((side, side), preprocessing.channels, seed)
    theirs = CentralCrop(replace(preprocessing, offset="floor"))(image)
    found = find_differences(preprocessing, "transformers", "hf")
    moved = "transformers crops images 1 pixel further towards the top left"
    is_reported = moved in [each.message for each in found]
    assert torch.equal(CentralCrop(preprocessing)(image), theirs) != is_reported


@given(preprocessing=preprocessings(), sides=SIDES)
def test_images_without_a_difference_are_the_same(
    preprocessing: Preprocessing, sides: tuple[int, int]
) -> None:
    """Also those that are not square."""
    image = drawn_image(sides, preprocessing.channels, 0)
    theirs = CentralCrop(replace(preprocessing, offset="floor"))(image)
    found = find_differences(preprocessing, "transformers", "hf")
    if not any("crops" in each.message for each in found):
        assert torch.equal(CentralCrop(preprocessing)(image), theirs)


def test_a_crop_that_moves_in_some_images_is_a_note() -> None:
    """Of 35 rows, the crop of 28 starts at row 4, round(3.5), or 3 in transformers."""
    preprocessing = Preprocessing(28, crop=0.875, mean=(0.0,) * 3, std=(1.0,) * 3)
    (found,) = find_differences(preprocessing, "transformers", "hf")
    assert (found.code, found.severity) == ("DS428", Severity.NOTE)
    rows = np.arange(35, dtype=np.uint8)[:, None] + np.zeros((1, 32), dtype=np.uint8)
    image = Image.fromarray(np.stack([rows] * 3, axis=-1))
    theirs = processor(preprocessing)(image, return_tensors="pt")["pixel_values"][0]
    ours = CentralCrop(preprocessing)(image)
    assert [round(255 * each[0, 0, 0].item()) for each in (theirs, ours)] == [3, 4]
    exact = replace(preprocessing, resize="exact")
    assert not [*find_differences(exact, "transformers", "hf")]


def test_the_moved_crop() -> None:
    """28 of 31 pixels: ours begin at 2, round(1.5), and those of transformers at 1."""
    preprocessing = Preprocessing(28, crop=0.9, mean=(0.0,) * 3, std=(1.0,) * 3)
    (found,) = find_differences(preprocessing, "transformers", "hf")
    assert found.code == "DS428"
    said = "the crop of 31×31 pixels starts at row and column 1, not 2"
    assert found.notes == (said,)
    ramp = np.arange(31, dtype=np.uint8)
    image = Image.fromarray(np.stack([ramp + 0 * ramp[:, None]] * 3, axis=-1))
    theirs = processor(preprocessing)(image, return_tensors="pt")["pixel_values"][0]
    ours = CentralCrop(preprocessing)(image)
    assert [round(255 * each[0, 0, 0].item()) for each in (theirs, ours)] == [1, 2]


def test_a_crop_that_timm_moves_is_reported() -> None:
    """Of a model of transformers, which rounds down."""
    preprocessing = Preprocessing(28, crop=0.9, offset="floor")
    (found,) = find_differences(preprocessing, "timm", "hf")
    assert found.message == "timm crops images 1 pixel further towards the bottom right"
    said = "the crop of 31×31 pixels starts at row and column 2, not 1"
    assert found.notes == (said,)
    assert not [*find_differences(preprocessing, "transformers", "hf")]
