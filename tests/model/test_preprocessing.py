"""Preprocessing as data: of recipes, and in the forms of timm and transformers."""

import json
import re
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
