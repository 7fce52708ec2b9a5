"""The spec that is found for a checkpoint is the one that it came from."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from support.checkpoints import DEIT3, DISTILLED, PLAIN, save, state_of
from support.strategies import specs

import deit_spec
from deit_spec import DeiTSpec
from deit_spec.spec import check_text
from deit_spec.weights import Checkpoint, inspect, make_plan, open_checkpoint
from deit_spec.weights.convert import rename
from deit_spec.weights.dialects import HF
from deit_spec.weights.inspection import as_json, as_yaml

SHOWN = [
    "image_size", "patch_size", "in_channels", "embed_dim", "depth", "mlp_dim",
    "num_classes", "teacher_num_classes",
]  # fmt: skip


def spec_of(text: str) -> DeiTSpec:
    """The spec that a text says, which has no errors."""
    checked = check_text(text.encode(), "<found>")
    assert checked.spec is not None, checked.diagnostics
    return checked.spec


@given(specs())
def test_any_spec_is_found_again(spec: DeiTSpec) -> None:
    """All that shapes show; the YAML is valid and the plan takes every tensor."""
    if spec.num_classes is None and spec.teacher_num_classes is not None:
        return
    graph = deit_spec.lower(spec)
    model = deit_spec.load(spec, device="meta")
    checkpoint = Checkpoint("w", "torch, zip", dict(model.state_dict()))
    found = spec_of(as_yaml(inspect(checkpoint)))
    for field in SHOWN:
        assert getattr(found, field) == getattr(spec, field), field
    for field in ("distillation_token", "position_embedding", "qkv_bias"):
        assert getattr(found.variant, field) == getattr(spec.variant, field), field
    has_scale = spec.variant.layer_scale is not None
    assert (found.variant.layer_scale is not None) == has_scale
    plan = make_plan(deit_spec.lower(found), checkpoint)
    assert plan.counts() == {"taken": len(checkpoint.tensors)}
    assert make_plan(graph, checkpoint).counts() == plan.counts()


@pytest.mark.parametrize(
    ("width", "heads"),
    [
        (192, 3),
        (384, 6),
        (512, 8),
        (768, 12),
        (1024, 16),
        (1280, 16),
        (48, 1),
        (100, 2),
    ],
)
def test_heads_are_of_width_64_and_that_is_said(width: int, heads: int) -> None:
    """True of every published model but the huge one, whose heads are 80 wide."""
    spec = {**PLAIN, "embed_dim": width, "num_heads": 1, "depth": 1}
    found = inspect(Checkpoint("w", "torch, zip", state_of(spec)))
    guess = 20 if width == 1280 else heads
    assert found.values["num_heads"] == guess
    (note,) = found.diagnostics
    assert note.code == "DS423"
    assert (
        f"num_heads is taken to be {guess}, of width {width // guess}" in note.message
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


@pytest.mark.parametrize("value", ["3\ndepth: 9", [3], {}, -3, 0, True, float("nan")])
def test_a_config_of_anything_else_is_not_believed(value: Any) -> None:
    state = dict(rename(HF["ViTForImageClassification"], state_of(PLAIN)))
    keys = ("num_attention_heads", "layer_norm_eps", "hidden_dropout_prob")
    config = dict.fromkeys(keys, value)
    found = inspect(Checkpoint("w", "safetensors", state, config=config))
    assert found.values == inspect(Checkpoint("w", "safetensors", state)).values


def test_text_and_json(tmp_path: Path) -> None:
    state = {**state_of(DEIT3), "mask_token": torch.zeros(1)}
    path = save({"model": state, "epoch": 3}, tmp_path / "w.pth")
    found = inspect(open_checkpoint(path))
    assert as_yaml(found) == (
        "# torch, zip; names of DeiT, timm and deit-spec\n"
        "# 37 tensors, 19,758 parameters, float32\n"
        "# under the key model\n"
        "# beside it: epoch\n"
        "image_size: 32\npatch_size: 8\nin_channels: 3\nembed_dim: 24\ndepth: 2\n"
        "num_heads: 1\nmlp_ratio: 4.0\nnum_classes: 5\nvariant:\n"
        "  distillation_token: false\n  position_embedding: patches\n"
        "  layer_scale: 1.0e-06\n"
    )
    value = as_json(found)
    assert value["spec"] == found.values
    assert value["path"] == ["model"]
    assert len(value["notes"]) == 3


def test_unequal_heads_are_a_valid_spec() -> None:
    spec: dict[str, Any] = {**DISTILLED, "num_classes": 4, "variant": {"fusion": "cls"}}
    found = inspect(Checkpoint("w", "torch, zip", state_of(spec)))
    assert spec_of(as_yaml(found)).variant.fusion == "cls"
