"""What a plan cannot reconcile, and how it says so."""

from typing import Any

import pytest
import torch
from support.checkpoints import (
    DEIT3,
    DISTILLED,
    PLAIN,
    changed,
    codes,
    hf_in_memory,
    planned,
    state_of,
)

import deit_spec
from deit_spec.weights import ALLOWANCES, Checkpoint, WeightsError, allowed, make_plan


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"embed_dim": 48}, "embed_dim is 24 in the checkpoint and 48 in the spec"),
        ({"depth": 3}, "depth is 2 in the checkpoint and 3 in the spec"),
        ({"depth": 1}, "depth is 2 in the checkpoint and 1 in the spec"),
        ({"patch_size": 4}, "patch_size is 8"),
        ({"mlp_ratio": 2.0}, "mlp_dim is 96 in the checkpoint and 48 in the spec"),
        ({"variant": DEIT3["variant"]}, "position_embedding is all"),
        ({"variant": {"distillation_token": False, "layer_scale": 0.1}}, "layer_scale"),
        ({"variant": {"distillation_token": False, "qkv_bias": False}}, "qkv_bias"),
    ],
)
def test_another_structure_is_refused(fields: dict[str, Any], words: str) -> None:
    plan = planned(changed(PLAIN, **fields), state_of(PLAIN))
    assert not plan.reconciles
    assert set(codes(plan)) == {"DS411"}
    assert any(words in each.message for each in plan.diagnostics)


def test_a_refusal_points_into_the_spec(tmp_path: Any) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(
        "depth: 2\nnum_heads: 3\nembed_dim: 48\nimage_size: 32\npatch_size: 8\n"
    )
    checkpoint = Checkpoint("w.pth", "torch, zip", state_of(PLAIN))
    plan = make_plan(deit_spec.lower(path), checkpoint)
    found = plan.diagnostics[0]
    assert str(found.primary.span) == "w.pth:1:1"
    assert [str(label.span) for label in found.secondary] == [f"{path}:3:12"]


def test_missing_and_left_over() -> None:
    state = state_of(PLAIN)
    del state["blocks.1.mlp.fc2.bias"], state["cls_token"]
    state["blocks.1.attn.q_norm.weight"] = torch.zeros(8)
    plan = planned(PLAIN, state)
    assert codes(plan) == ["DS412", "DS413"]
    assert set(plan.missing) == {"cls_token", "blocks.1.mlp.fc2.bias"}
    assert plan.left_over == ("blocks.1.attn.q_norm.weight",)
    assert plan.counts()["missing"] == 2
    distilled = planned(DISTILLED, state)
    assert "dist_token" in distilled.missing


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("blocks.1.attn.qkv.weight", (24, 24)),
        ("cls_token", (1, 24)),
        ("pos_embed", (2, 17, 24)),
        ("pos_embed", (1, 17, 23)),
        ("head.bias", (4,)),
        ("head.weight", (5, 23)),
        ("norm.bias", ()),
    ],
)
def test_one_tensor_of_another_size(name: str, shape: tuple[int, ...]) -> None:
    state = {**state_of(PLAIN), name: torch.zeros(shape)}
    plan = planned(PLAIN, state)
    assert not plan.reconciles
    assert (
        any(each.message.startswith(name) for each in plan.diagnostics) or plan.missing
    )


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("patch_embed.proj.weight", (24, 3, 8, 4)),
        ("patch_embed.proj.weight", (24, 192)),
        ("pos_embed", (1, 15, 24)),
        ("pos_embed", (1, 13, 24)),
        ("blocks.0.mlp.fc1.weight", (96,)),
        ("blocks.9.norm1.bias", (24,)),
    ],
)
def test_shapes_of_no_model(name: str, shape: tuple[int, ...]) -> None:
    state = {**state_of(PLAIN), name: torch.zeros(shape)}
    with pytest.raises(WeightsError) as caught:
        planned(PLAIN, state)
    assert [each.code for each in caught.value.diagnostics] == ["DS408"]


def test_other_models_are_refused() -> None:
    with pytest.raises(WeightsError, match="DS406"):
        planned(PLAIN, {"conv1.weight": torch.zeros(1), "fc.bias": torch.zeros(1)})


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({}, []),
        ({"num_attention_heads": 3, "layer_norm_eps": 1e-6, "hidden_act": "gelu"}, []),
        ({"num_attention_heads": 6}, ["DS415"]),
        ({"hidden_act": "relu"}, ["DS415"]),
        ({"layer_norm_eps": 1e-12}, ["DS416"]),
    ],
)
def test_a_config_that_contradicts(config: dict[str, Any], found: list[str]) -> None:
    state = hf_in_memory(state_of(DISTILLED))
    plan = planned(DISTILLED, state, config=config)
    assert codes(plan) == found
    assert plan.reconciles == ("DS415" not in found)
    own = planned(DISTILLED, state_of(DISTILLED), config=config)
    assert codes(own) == []  # such a config says nothing of other names


def test_allowances() -> None:
    assert allowed() == frozenset()
    assert allowed(strict=False) == set(ALLOWANCES)
    assert allowed(allow="heads") == {"heads"}
    assert allowed(allow=()) == allowed(strict=False, allow=()) == frozenset()
    with pytest.raises(ValueError, match=r"allow takes resample, heads, .* not 'head'"):
        allowed(allow={"head"})
