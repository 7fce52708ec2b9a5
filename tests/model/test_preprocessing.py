"""Preprocessing as data: of recipes, and in the forms of timm and transformers."""

import json
import re
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deit_spec.model.library_preprocessing import (
    crop_of,
    from_timm,
    from_transformers,
)
from deit_spec.model.preprocessing import (
    Preprocessing,
    PreprocessingError,
    preprocessing_of,
)
from deit_spec.pipeline import load_spec
from deit_spec.recipe import check_recipe


def test_statistics_of_a_recipe_come_first() -> None:
    spec = load_spec("deit_tiny_patch16_224")
    assert preprocessing_of(spec, None, None) == Preprocessing(
        224, 3, 0.875, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
    )
    half = (0.5, 0.5, 0.5)
    found = check_recipe(
        {
            "student": {"spec": "deit_tiny_patch16_224"},
            "data": {"dataset": "some/images", "mean": half, "std": half},
            "loss": {"kind": "none"},
        }
    )
    preprocessing = preprocessing_of(spec, found.recipe, 0.5)
    assert preprocessing == Preprocessing(224, 3, 0.5, mean=half, std=half)


@given(st.integers(1, 2000), st.floats(0.1, 1.0), st.sampled_from(["round", "floor"]))
def test_json_keeps_everything(size: int, crop: float, offset: Any) -> None:
    grey = ((0.1,), (0.3,))
    found = Preprocessing(size, 1, crop, "box", *grey, resize="exact", offset=offset)
    assert Preprocessing.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"size": 0}, "size: Input should be greater than 0"),
        ({"size": "8"}, "size: Input should be a valid integer"),
        ({"crop": 1e-9}, "crop: Input should be greater than or equal to 0.1"),
        ({"std": [0.0, 1.0, 1.0]}, "std.0: Input should be greater than 0"),
        ({"mean": [0.5]}, "mean has 1 values for 3 channels"),
        ({"interpolation": "random"}, "interpolation: Input should be 'nearest'"),
        ({"resise": "exact"}, "resise: "),
    ],
)
def test_damaged_json_is_refused(change: dict[str, Any], reason: str) -> None:
    value = {**asdict(Preprocessing(8)), **change}
    with pytest.raises(PreprocessingError, match=re.escape(reason)):
        Preprocessing.from_json(json.dumps(value))
    with pytest.raises(PreprocessingError, match="Invalid JSON"):
        Preprocessing.from_json("{")


@given(st.integers(1, 3000), st.integers(0, 3000))
def test_the_crop_gives_the_resized_side(size: int, more: int) -> None:
    resized = size + min(more, 9 * size)
    found = Preprocessing(size, crop=crop_of(size, resized))
    assert found.resized == resized


DEIT = {"image_processor_type": "DeiTImageProcessor", "size": 256, "crop_size": 224}
VIT = {"image_processor_type": "ViTFeatureExtractor", "size": 224}
HALF = (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        (DEIT, Preprocessing(224, 3, 0.875, "bicubic", HALF, HALF, "exact", "floor")),
        (VIT, Preprocessing(224, 3, 1.0, "bilinear", HALF, HALF, "exact", "floor")),
        (
            {**VIT, "do_rescale": False, "image_mean": 127.5, "image_std": [255.0]},
            Preprocessing(
                224, 3, 1.0, "bilinear", HALF, (1.0, 1.0, 1.0), "exact", "floor"
            ),
        ),
        (
            {**VIT, "do_normalize": False, "resample": 1},
            Preprocessing(
                *(224, 3, 1.0, "lanczos"),
                *((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "exact", "floor"),
            ),
        ),
    ],
)
def test_processors_of_transformers(config: Any, wanted: Preprocessing) -> None:
    assert from_transformers(config, size=224, channels=3) == wanted


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({}, "an unnamed image processor is not supported"),
        ({"image_processor_type": "SamImageProcessor"}, "SamImageProcessor is not"),
        ({**DEIT, "crop_size": 384}, "384 pixels wide, but the model takes 224"),
        ({**DEIT, "size": "large"}, "size"),
        ({**DEIT, "size": {"height": 256, "width": 300}}, "not square"),
        ({**DEIT, "size": 200}, "resized to 200 pixels and cropped to 224"),
        ({**DEIT, "size": 10**9}, "resized to 1,000,000,000 pixels"),
        ({**DEIT, "do_resize": False}, "not resized"),
        ({**VIT, "size": {"shortest_edge": 224}}, "are not cropped"),
        ({**VIT, "resample": 9}, "9 is not a filter"),
        ({**VIT, "image_std": 0.0}, "which is not positive"),
        ({**VIT, "image_mean": [0.5, 0.5]}, "mean has 2 values for 3 channels"),
        ({**VIT, "rescale_factor": 0.0}, "rescale_factor is not positive"),
    ],
)
def test_processors_that_cannot_be_used(config: Any, reason: str) -> None:
    with pytest.raises(PreprocessingError, match=re.escape(reason)):
        from_transformers(config, size=224, channels=3)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"input_size": [3, 224, 200]}, "not square"),
        ({"input_size": []}, "not square"),
        ({"input_size": [3, 384, 384]}, "384 pixels wide, but the model takes 224"),
        ({"input_size": [1, 224, 224]}, "1 channels, but the model takes 3"),
        ({"crop_mode": "border"}, "the crop_mode border is not supported"),
        ({"interpolation": "random"}, "the interpolation random is not supported"),
        ({"crop_pct": 1e-9}, "crop_pct is 1e-09"),
        ({"mean": [0.5]}, "mean has 1 values for 3 channels"),
        ({"std": "0.5"}, "std: Input should be a valid list"),
    ],
)
def test_configs_of_timm_that_cannot_be_used(config: Any, reason: str) -> None:
    with pytest.raises(PreprocessingError, match=re.escape(reason)):
        from_timm(config, size=224, channels=3)
