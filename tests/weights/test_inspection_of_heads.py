"""How many heads a checkpoint has, which no shape shows."""

from typing import Any

import pytest
from support.checkpoints import (
    DISTILLED,
    PLAIN,
    of_shapes,
    shapes_alone,
    spec_of,
    state_of,
)

import deit_spec
from deit_spec.weights import (
    Checkpoint,
    inspect,
)
from deit_spec.weights.convert import rename
from deit_spec.weights.inspect_checkpoint import as_yaml
from deit_spec.weights.naming_schemes import HF


def test_a_published_model_with_other_heads_has_its_blocks() -> None:
    spec = {
        **deit_spec.load_spec("deit3_base_patch16_384").model_dump(),
        "num_classes": 10,
    }
    found = inspect(of_shapes(shapes_alone(spec)))
    assert found.published == ()
    assert found.values["num_heads"] == 12
    assert found.values["variant"]["layer_scale"] == 1e-4
    (note,) = found.diagnostics
    assert note.message.endswith("are taken from deit3_base_patch16_224")
    assert note.notes[1] == "they are those of deit3_base_patch16_384 too"


@pytest.mark.parametrize(
    ("width", "heads"), [(192, 3), (384, 6), (1280, 20), (48, 1), (100, 2)]
)
def test_other_heads_are_of_width_64_and_that_is_said(width: int, heads: int) -> None:
    spec = {**PLAIN, "embed_dim": width, "num_heads": 1, "depth": 1}
    found = inspect(of_shapes(state_of(spec)))
    assert found.values["num_heads"] == heads
    (note,) = found.diagnostics
    assert note.code == "DS423"
    assert (
        f"num_heads is taken to be {heads}, of width {width // heads}" in note.message
    )


def test_a_config_says_the_heads() -> None:
    names = HF["ViTForImageClassification"]
    state = dict(rename(names, state_of(PLAIN)))
    config = {
        "num_attention_heads": 3,
        "layer_norm_eps": 1e-12,
        "hidden_dropout_prob": 0.1,
    }
    found = inspect(Checkpoint("w", "safetensors", state, config=config))
    assert not found.diagnostics
    spec = spec_of(as_yaml(found))
    assert (spec.num_heads, spec.variant.layer_norm_eps, spec.dropout) == (
        3,
        1e-12,
        0.1,
    )


@pytest.mark.parametrize(
    "value", ["3\ndepth: 9", [3], {}, -3, 0, True, float("nan"), 5]
)
def test_a_config_of_anything_else_is_not_believed(value: Any) -> None:
    state = dict(rename(HF["ViTForImageClassification"], state_of(PLAIN)))
    keys = ("num_attention_heads", "layer_norm_eps", "hidden_dropout_prob")
    config = dict.fromkeys(keys, value)
    found = inspect(Checkpoint("w", "safetensors", state, config=config))
    assert found.values == inspect(Checkpoint("w", "safetensors", state)).values


@pytest.mark.parametrize(
    ("config", "why", "codes"),
    [
        ({}, "no config of its format is there", ["DS423"]),
        ({"hidden_act": "gelu"}, "the config does not say it", ["DS423"]),
        (
            {"num_attention_heads": 7},
            "the config has none that can be",
            ["DS423", "DS424"],
        ),
    ],
)
def test_why_no_config_says_the_heads(
    config: dict[str, Any], why: str, codes: list[str]
) -> None:
    state = dict(rename(HF["ViTForImageClassification"], state_of(PLAIN)))
    found = inspect(Checkpoint("w", "safetensors", state, config=config))
    assert [each.code for each in found.diagnostics] == codes
    assert found.diagnostics[0].notes[0].endswith(f"and {why}")


def test_unequal_heads_are_a_valid_spec() -> None:
    spec: dict[str, Any] = {**DISTILLED, "num_classes": 4, "variant": {"fusion": "cls"}}
    found = inspect(Checkpoint("w", "torch, zip", state_of(spec)))
    assert spec_of(as_yaml(found)).variant.fusion == "cls"
