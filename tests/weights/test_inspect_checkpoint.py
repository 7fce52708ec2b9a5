"""The spec that is inferred for a checkpoint is the one that it came from."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from support.checkpoints import (
    DEIT3,
    DISTILLED,
    PLAIN,
    of_shapes,
    save,
    shapes_alone,
    spec_of,
    state_of,
)
from support.strategies import specs

import deit_spec
from deit_spec import DeiTSpec, published
from deit_spec.weights import (
    Checkpoint,
    inspect,
    make_plan,
    open_checkpoint,
)
from deit_spec.weights.convert_checkpoint import rename
from deit_spec.weights.naming_schemes import HF

SHOWN = [
    "image_size", "patch_size", "in_channels", "embed_dim", "depth", "mlp_dim",
    "num_classes", "teacher_num_classes",
]  # fmt: skip


@given(specs())
def test_any_spec_is_found_again(spec: DeiTSpec) -> None:
    """All that shapes show; the YAML is valid and the plan takes every tensor."""
    if spec.num_classes is None and spec.teacher_num_classes is not None:
        return
    graph = deit_spec.lower(spec)
    model = deit_spec.load(spec, device="meta")
    checkpoint = Checkpoint("w", "torch, zip", dict(model.state_dict()))
    found = spec_of(inspect(checkpoint).as_yaml())
    for field in SHOWN:
        assert getattr(found, field) == getattr(spec, field), field
    for field in ("distillation_token", "position_embedding", "qkv_bias"):
        assert getattr(found.variant, field) == getattr(spec.variant, field), field
    has_scale = spec.variant.layer_scale is not None
    assert (found.variant.layer_scale is not None) == has_scale
    plan = make_plan(deit_spec.lower(found), checkpoint)
    assert plan.counts() == {"taken": len(checkpoint.tensors)}
    assert make_plan(graph, checkpoint).counts() == plan.counts()


@pytest.mark.parametrize("name", published.names())
def test_every_published_model_is_found(name: str) -> None:
    """Its spec is inferred completely, with a note on what no shape shows."""
    wanted = deit_spec.load_spec(name)
    found = inspect(of_shapes(shapes_alone(name)))
    assert found.published == (name,)
    assert f"# the shapes of {name}\n" in found.as_yaml()
    spec = spec_of(found.as_yaml())
    assert spec.digest == wanted.digest
    around = {"name", "extends"}
    assert spec.model_dump(exclude=around) == wanted.model_dump(exclude=around)
    messages = [f"num_heads is assumed to be {wanted.num_heads}, as in {name}"]
    if scale := wanted.variant.layer_scale:
        messages.append(f"the initial value of layer scale is assumed to be {scale}")
    assert [note.message for note in found.diagnostics] == messages
    assert {note.code for note in found.diagnostics} == {"DS423"}


@pytest.mark.parametrize("name", published.names())
def test_published_models_of_a_size_have_the_same_number_of_heads(name: str) -> None:
    """So it does not matter which of them is the closest."""
    spec = deit_spec.load_spec(name)
    other = {**spec.model_dump(), "num_classes": 7, "image_size": 32 * spec.patch_size}
    found = inspect(of_shapes(shapes_alone(other)))
    assert found.values["num_heads"] == spec.num_heads
    assert found.published == ()


def test_text(tmp_path: Path) -> None:
    state = {**state_of(DEIT3), "mask_token": torch.zeros(1)}
    path = save({"model": state, "epoch": 3}, tmp_path / "w.pth")
    found = inspect(open_checkpoint(path))
    assert found.as_yaml() == (
        "# torch, zip; names of DeiT, timm and deit-spec\n"
        "# 37 tensors, 19,758 parameters, float32\n"
        "# under the key model\n"
        "# beside it: epoch\n"
        "image_size: 32\npatch_size: 8\nin_channels: 3\nembed_dim: 24\ndepth: 2\n"
        "num_heads: 1\nmlp_ratio: 4.0\nnum_classes: 5\nvariant:\n"
        "  distillation_token: false\n  position_embedding: patches\n"
        "  layer_scale: 0.0001\n"
    )
    assert [each.code for each in found.diagnostics] == ["DS423", "DS423", "DS424"]


def hf_of(spec: Any, kind: str) -> dict[str, torch.Tensor]:
    """A model's state dict as transformers has it on disk."""
    return dict(rename(HF[kind], state_of(spec)))


NO_HEAD: dict[str, Any] = {**PLAIN, "num_classes": None}


@pytest.mark.parametrize(
    ("state", "config", "said"),
    [
        (
            hf_of(PLAIN, "ViTForImageClassification"),
            {"hidden_act": "relu", "num_attention_heads": 3},
            ['the activation is "relu" in the config, not gelu'],
        ),
        (
            {
                **{f"vit.{n}": t for n, t in hf_of(NO_HEAD, "ViTModel").items()},
                "vit.embeddings.mask_token": torch.zeros(1, 1, 24),
                "decoder.0.weight": torch.zeros(192, 24, 1, 1),
                "decoder.0.bias": torch.zeros(192),
            },
            {"num_attention_heads": 3},
            [
                (
                    "the model does not use 3 tensors: vit.embeddings.mask_token, "
                    "decoder.0.weight, decoder.0.bias"
                ),
                "there is no head for the class token",
            ],
        ),
        (
            {
                **{
                    name: tensor
                    for name, tensor in hf_of(
                        PLAIN, "ViTForImageClassification"
                    ).items()
                    if "layer.1.output" not in name
                },
                "vit.encoder.layer.1.attention.gate.weight": torch.zeros(1),
            },
            {"num_attention_heads": 3},
            [
                "the checkpoint lacks 2 tensors of the model",
                "the model does not use 1 tensor of the checkpoint",
            ],
        ),
    ],
    ids=["relu", "masked images", "incomplete"],
)
def test_what_no_spec_describes_is_reported(
    state: dict[str, torch.Tensor], config: dict[str, Any], said: list[str]
) -> None:
    found = inspect(Checkpoint("w", "safetensors", state, config=config))
    assert [each.message for each in found.diagnostics] == said
    assert {each.code for each in found.diagnostics} == {"DS424"}
    spec = spec_of(found.as_yaml())
    plan = make_plan(deit_spec.lower(spec), of_shapes(state, config=config))
    refused = any("plan` refuses" in each.notes[-1] for each in found.diagnostics)
    assert plan.reconciles != refused
    has_decoder = "decoder.0.bias" in state
    assert refused or plan.needs == ({"drop"} if has_decoder else set())


def test_a_config_with_another_epsilon_than_the_published_model() -> None:
    spec = deit_spec.load_spec("deit_tiny_patch16_224")
    state = dict(rename(HF["ViTForImageClassification"], shapes_alone(spec)))
    config = {"num_attention_heads": 3, "layer_norm_eps": 1e-12}
    found = inspect(of_shapes(state, config=config))
    (note,) = found.diagnostics
    assert (note.code, note.message) == (
        "DS423",
        "layer_norm_eps is 1e-12 in the config and 1e-06 in deit_tiny_patch16_224",
    )


@pytest.mark.parametrize(
    ("width", "heads"), [(192, 3), (384, 6), (1280, 20), (48, 1), (100, 2)]
)
def test_other_heads_are_about_64_wide(width: int, heads: int) -> None:
    spec = {**PLAIN, "embed_dim": width, "num_heads": 1, "depth": 1}
    found = inspect(of_shapes(state_of(spec)))
    assert found.values["num_heads"] == heads
    (note,) = found.diagnostics
    assert note.code == "DS423"
    assert note.message == (
        f"num_heads is assumed to be {heads}, which makes heads {width // heads} wide"
    )


def test_a_config_has_the_number_of_heads() -> None:
    names = HF["ViTForImageClassification"]
    state = dict(rename(names, state_of(PLAIN)))
    config = {
        "num_attention_heads": 3,
        "layer_norm_eps": 1e-12,
        "hidden_dropout_prob": 0.1,
    }
    found = inspect(Checkpoint("w", "safetensors", state, config=config))
    assert not found.diagnostics
    spec = spec_of(found.as_yaml())
    assert (spec.num_heads, spec.variant.layer_norm_eps, spec.dropout) == (
        3,
        1e-12,
        0.1,
    )


@pytest.mark.parametrize(
    "value", ["3\ndepth: 9", [3], {}, -3, 0, True, float("nan"), 5]
)
def test_invalid_values_of_a_config_are_ignored(value: Any) -> None:
    state = dict(rename(HF["ViTForImageClassification"], state_of(PLAIN)))
    keys = ("num_attention_heads", "layer_norm_eps", "hidden_dropout_prob")
    config = dict.fromkeys(keys, value)
    found = inspect(Checkpoint("w", "safetensors", state, config=config))
    assert found.values == inspect(Checkpoint("w", "safetensors", state)).values


@pytest.mark.parametrize(
    ("config", "codes"),
    [
        ({}, ["DS423"]),
        ({"hidden_act": "gelu"}, ["DS423"]),
        ({"num_attention_heads": 7}, ["DS423", "DS424"]),
    ],
)
def test_a_config_without_a_usable_number_of_heads(
    config: dict[str, Any], codes: list[str]
) -> None:
    state = dict(rename(HF["ViTForImageClassification"], state_of(PLAIN)))
    found = inspect(Checkpoint("w", "safetensors", state, config=config))
    assert [each.code for each in found.diagnostics] == codes
    assert found.diagnostics[0].message.startswith("num_heads is assumed to be 1")


def test_unequal_heads_are_a_valid_spec() -> None:
    spec: dict[str, Any] = {**DISTILLED, "num_classes": 4, "variant": {"fusion": "cls"}}
    found = inspect(Checkpoint("w", "torch, zip", state_of(spec)))
    assert spec_of(found.as_yaml()).num_classes == 4
