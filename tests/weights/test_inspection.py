"""The spec that is found for a checkpoint is the one that it came from."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from support.checkpoints import (
    DEIT3,
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
from deit_spec.spec.model_limits import LARGEST
from deit_spec.weights import (
    Checkpoint,
    WeightsError,
    inspect,
    make_plan,
    open_checkpoint,
)
from deit_spec.weights.convert import rename
from deit_spec.weights.inspect_checkpoint import as_yaml
from deit_spec.weights.naming_schemes import HF
from deit_spec.weights.precedent import facts_of, find_precedent
from deit_spec.weights.shape_info import NoFactsError, find_facts

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


@pytest.mark.parametrize("name", published.names())
def test_every_published_model_is_found(name: str) -> None:
    """Its spec is found whole, with what no shape shows, and that is said."""
    wanted = deit_spec.load_spec(name)
    found = inspect(of_shapes(shapes_alone(name)))
    assert found.published == (name,)
    assert f"# the shapes of {name}\n" in as_yaml(found)
    spec = spec_of(as_yaml(found))
    assert spec.digest == wanted.digest
    around = {"name", "extends"}
    assert spec.model_dump(exclude=around) == wanted.model_dump(exclude=around)
    (note,) = found.diagnostics
    assert note.code == "DS423"
    taken = f"num_heads {wanted.num_heads}"
    if wanted.variant.layer_scale:
        taken += f" and variant.layer_scale {wanted.variant.layer_scale} are"
    else:
        taken += " is"
    assert note.message == f"{taken} taken from {name}"
    assert "all shapes are those of this published model" in note.notes[0]


def test_published_models_that_are_alike_agree_in_what_no_shape_shows() -> None:
    """So it does not matter which of them is taken."""
    for name in published.names():
        facts = facts_of(deit_spec.load_spec(name))
        for other in (
            replace(facts, num_classes=7),
            replace(facts, num_classes=7, position_embedding="?"),
        ):
            precedent = find_precedent(other)
            assert precedent is not None
            assert name in precedent.names
            assert not precedent.is_exact
            assert len({spec.num_heads for spec in precedent.specs}) == 1


def test_text(tmp_path: Path) -> None:
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
            ["the config has the activation relu, and a DeiT has gelu"],
        ),
        (
            hf_of(PLAIN, "ViTForImageClassification"),
            {"num_attention_heads": 3, "attention_probs_dropout_prob": 0.1},
            ["the config has dropout of attention weights, and a DeiT has none"],
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
                "there is no head on the class token",
                (
                    "3 tensors of no DeiT: vit.embeddings.mask_token, "
                    "decoder.0.weight, decoder.0.bias"
                ),
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
                (
                    "the checkpoint lacks 2 tensors of this model: "
                    "blocks.1.mlp.fc2.weight, blocks.1.mlp.fc2.bias"
                ),
                (
                    "1 tensor of no DeiT, which may take part in the output: "
                    "vit.encoder.layer.1.attention.gate.weight"
                ),
            ],
        ),
    ],
    ids=["relu", "attention dropout", "masked images", "incomplete"],
)
def test_what_no_spec_can_say_is_said(
    state: dict[str, torch.Tensor], config: dict[str, Any], said: list[str]
) -> None:
    found = inspect(Checkpoint("w", "safetensors", state, config=config))
    assert [each.message for each in found.diagnostics] == said
    assert {each.code for each in found.diagnostics} == {"DS424"}
    spec = spec_of(as_yaml(found))
    plan = make_plan(deit_spec.lower(spec), of_shapes(state, config=config))
    refused = any("plan` refuses it" in each.notes[0] for each in found.diagnostics)
    assert plan.reconciles != refused
    has_decoder = "decoder.0.bias" in state
    assert refused or plan.needs == ({"drop"} if has_decoder else set())


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("patch_embed.proj.weight", (2**40, 3, 8, 8), "embed_dim is 1,099,511,627,776"),
        ("patch_embed.proj.weight", (24, 2**40, 8, 8), "in_channels is 1,099,511,627"),
        ("patch_embed.proj.weight", (24, 3, 2**24, 2**24), "patch_size is 16,777,216"),
        ("patch_embed.proj.weight", (24, 3, 0, 0), "patch_size is 0"),
        ("pos_embed", (1, 1 + 2**56, 24), "image_size is 2,147,483,648"),
        ("head.weight", (2**40, 24), "num_classes is 1,099,511,627,776"),
        ("head.weight", (0, 24), "num_classes is 0"),
        ("blocks.0.mlp.fc1.weight", (2**40, 24), "the MLP is 1,099,511,627,776 wide"),
        ("blocks.0.mlp.fc1.weight", (0, 24), "the MLP has no hidden channel"),
        ("blocks.999999.norm1.bias", (24,), "there is a blocks.999999"),
        ("head_dist.weight", (5, 24), "head_dist.weight is there, and dist_token is"),
        ("blocks.3.norm1.bias", (24,), "blocks.2 is missing, and blocks.3 is there"),
        (
            "blocks.8.norm1.bias",
            (24,),
            "blocks.2, blocks.3, blocks.4, blocks.5 and 2 more are missing, and",
        ),
    ],
)
def test_shapes_beyond_any_spec_are_refused(
    name: str, shape: tuple[int, ...], words: str
) -> None:
    """At the same limits as a spec: nothing is listed or searched before that."""
    state = {
        **shapes_alone(PLAIN),
        name: torch.empty(1).as_strided(shape, [0] * len(shape)),
    }
    with pytest.raises(WeightsError) as caught:
        inspect(of_shapes(state))
    (found,) = caught.value.diagnostics
    assert found.code == "DS408"
    assert words in found.message


@pytest.mark.parametrize("field", ["embed_dim", "image_size", "num_classes"])
def test_the_limits_of_a_spec_are_those_of_shapes(field: str) -> None:
    """The largest that a spec may say is found; the next is refused."""
    largest = LARGEST[field]
    facts = facts_of(DeiTSpec(patch_size=1, num_heads=1, image_size=4, num_classes=5))
    name = {"image_size": "grid_size"}.get(field, field)
    for size in (largest, largest + 1):
        wanted = replace(facts, **{name: size}, mlp_dim=size)
        state = {
            "patch_embed.proj.weight": (wanted.embed_dim, 3, 1, 1),
            "pos_embed": (1, wanted.grid_size**2 + 2, wanted.embed_dim),
            "dist_token": (1, 1, wanted.embed_dim),
            "blocks.0.mlp.fc1.weight": (wanted.embed_dim, wanted.embed_dim),
            "head.weight": (wanted.num_classes or 1, wanted.embed_dim),
        }
        if size == largest:
            assert getattr(find_facts(state), field) == largest
        else:
            with pytest.raises(NoFactsError, match=f"limit is {largest:,}"):
                find_facts(state)


def test_without_a_table_of_positions_it_is_said_what_is_not_there() -> None:
    state = state_of(PLAIN)
    del state["pos_embed"]
    with pytest.raises(WeightsError, match="pos_embed is not there") as caught:
        inspect(of_shapes(state))
    assert caught.value.diagnostics[0].code == "DS408"
