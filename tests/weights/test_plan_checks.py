"""What a plan cannot reconcile, and how it says so."""

from typing import Any

import pytest
import torch
from peers import import_timm
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
from deit_spec.weights import (
    PERMISSIONS,
    Checkpoint,
    WeightsError,
    allowed,
    find_forbidden,
    inspect,
    make_plan,
    require,
)
from deit_spec.weights.convert_checkpoint import rename
from deit_spec.weights.naming_schemes import HF


def variant(**fields: Any) -> dict[str, Any]:
    return {"variant": {"distillation_token": False, **fields}}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"embed_dim": 48},
            ["embed_dim is 24 in the checkpoint and 48 in the spec"],
        ),
        ({"depth": 3}, ["depth is 2 in the checkpoint and 3 in the spec"]),
        ({"depth": 1}, ["depth is 2 in the checkpoint and 1 in the spec"]),
        ({"patch_size": 4}, ["patch_size is 8 in the checkpoint and 4 in the spec"]),
        (
            {"mlp_ratio": 2.0},
            ["mlp_ratio is 4.0 in the checkpoint and 2.0 in the spec"],
        ),
        (
            {"embed_dim": 48, "mlp_ratio": 2.0},
            [
                "embed_dim is 24 in the checkpoint and 48 in the spec",
                "mlp_ratio is 4.0 in the checkpoint and 2.0 in the spec",
            ],
        ),
        (
            variant(position_embedding="patches"),
            [
                (
                    "variant.position_embedding is all in the checkpoint and "
                    "patches in the spec"
                )
            ],
        ),
        (
            variant(layer_scale=0.1),
            ["variant.layer_scale is null in the checkpoint and set in the spec"],
        ),
        (
            variant(qkv_bias=False),
            ["variant.qkv_bias is true in the checkpoint and false in the spec"],
        ),
    ],
)
def test_another_structure_is_refused(fields: dict[str, Any], said: list[str]) -> None:
    """Each field that differs is reported, and none that only follows from another."""
    plan = planned(changed(PLAIN, **fields), state_of(PLAIN))
    assert not plan.reconciles
    assert set(codes(plan)) == {"DS411"}
    assert [each.message for each in plan.diagnostics] == said
    *others, last = plan.diagnostics
    command = "`deit-spec weights inspect w.pth`"
    assert last.helps == (f"{command} prints the spec of the checkpoint",)
    assert not any(each.helps for each in others)


def test_layer_scale_of_the_checkpoint_alone() -> None:
    plan = planned(
        changed(PLAIN, **variant(position_embedding="patches")), state_of(DEIT3)
    )
    (found,) = plan.diagnostics
    words = "variant.layer_scale is set in the checkpoint and null in the spec"
    assert found.message == words


PLACES = """\
image_size: 32
patch_size: 8
embed_dim: 48
depth: 3
num_heads: 4
mlp_ratio: 2.0
num_classes: 5
variant:
  distillation_token: false
  position_embedding: patches
  layer_scale: 0.1
  qkv_bias: false
  layer_norm_eps: 1.0e-5
"""


def test_a_refusal_points_into_the_spec(tmp_path: Any) -> None:
    """To the field that differs."""
    path = tmp_path / "small.yaml"
    path.write_text(PLACES)
    checkpoint = Checkpoint("w.pth", "torch, zip", state_of(PLAIN))
    plan = make_plan(deit_spec.lower(path), checkpoint)
    assert {str(found.primary.span) for found in plan.diagnostics} == {"w.pth:1:1"}
    labels = [[str(x.span) for x in found.secondary] for found in plan.diagnostics]
    places = ["3:12", "4:8", "6:12", "10:23", "11:16", "12:13"]
    assert labels == [[f"{path}:{place}"] for place in places]


def test_a_config_points_into_the_spec(tmp_path: Any) -> None:
    path = tmp_path / "small.yaml"
    text = PLACES.replace("48", "24").replace("depth: 3", "depth: 2")
    gone = ("mlp_ratio", "  position", "  layer_scale", "  qkv_bias")
    kept = [line for line in text.splitlines() if not line.startswith(gone)]
    path.write_text("\n".join(kept))
    state = dict(rename(HF["ViTForImageClassification"], state_of(PLAIN)))
    config = {"num_attention_heads": 3, "layer_norm_eps": 1e-12}
    checkpoint = Checkpoint("hf", "directory", state, config=config)
    plan = make_plan(deit_spec.lower(path), checkpoint)
    found = [(each.code, str(each.secondary[0].span)) for each in plan.diagnostics]
    assert found == [("DS415", f"{path}:5:12"), ("DS416", f"{path}:9:19")]


@pytest.mark.parametrize("text", ["{depth: 3}", "variant: {qkv_bias: true}"])
def test_defaults_are_stated_and_not_pointed_at(text: str, tmp_path: Any) -> None:
    path = tmp_path / "short.yaml"
    path.write_text(text)
    state = state_of(changed(DEIT3, mlp_ratio=2.0))
    plan = make_plan(deit_spec.lower(path), Checkpoint("w.pth", "torch, zip", state))
    labels = {label.span.line for f in plan.diagnostics for label in f.secondary}
    assert len([f for f in plan.diagnostics if f.secondary]) == ("depth" in text)
    assert labels == ({1} if "depth" in text else set())
    said = {each.notes[-1] for each in plan.diagnostics if not each.secondary}
    assert said == {
        "`embed_dim` is 768 by default",
        *(["`depth` is 12 by default"] if "depth" not in text else []),
        "`patch_size` is 16 by default",
        "`mlp_ratio` is 4.0 by default",
        "`variant.position_embedding` is all by default",
        "`variant.layer_scale` is null by default",
    }


def test_a_config_against_defaults(tmp_path: Any) -> None:
    path = tmp_path / "short.yaml"
    path.write_text("{embed_dim: 24, depth: 1, image_size: 32, patch_size: 8}")
    spec = {"embed_dim": 24, "depth": 1, "image_size": 32, "patch_size": 8}
    state = dict(rename(HF["DeiTModel"], state_of({**spec, "num_heads": 3})))
    config = {"num_attention_heads": 3, "layer_norm_eps": "1e-6"}
    checkpoint = Checkpoint("hf", "directory", state, config=config)
    plan = make_plan(deit_spec.lower(path), checkpoint)
    heads, eps = plan.diagnostics
    assert (heads.secondary, heads.notes) == ((), ("`num_heads` is 12 by default",))
    assert eps.message == 'layer_norm_eps is "1e-6" in the config and 1e-06 in the spec'
    assert eps.secondary == ()
    assert eps.notes[1] == "`variant.layer_norm_eps` is 1.0e-6 by default"


@pytest.mark.parametrize(
    ("heads", "shown"), [("6\n", '"6\\n"'), (None, "null"), ([3], "[3]"), (7, "7")]
)
def test_another_number_of_heads(heads: Any, shown: str) -> None:
    state = hf_in_memory(state_of(DISTILLED))
    plan = planned(DISTILLED, state, config={"num_attention_heads": heads})
    (found,) = plan.diagnostics
    assert found.code == "DS415"
    assert found.message == f"num_heads is {shown} in the config and 3 in the spec"


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
def test_a_config_that_contradicts_the_spec(
    config: dict[str, Any], found: list[str]
) -> None:
    state = hf_in_memory(state_of(DISTILLED))
    plan = planned(DISTILLED, state, config=config)
    assert codes(plan) == found
    assert plan.reconciles == ("DS415" not in found)
    own = planned(DISTILLED, state_of(DISTILLED), config=config)
    assert codes(own) == []  # such a config says nothing of other names


def test_permissions() -> None:
    assert allowed() == frozenset()
    assert allowed(strict=False) == set(PERMISSIONS)
    assert allowed(allow="heads") == {"heads"}
    assert allowed(allow=()) == allowed(strict=False, allow=()) == frozenset()
    with pytest.raises(ValueError, match=r"allow takes resample, heads, .* not 'head'"):
        allowed(allow={"head"})


SIZES = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 3}


PATCHES = {
    **PLAIN,
    "variant": {"distillation_token": False, "position_embedding": "patches"},
}


def timm_state(**options: Any) -> dict[str, torch.Tensor]:
    """The tensors of a small vision transformer of timm."""
    model = import_timm().models.VisionTransformer(**SIZES, num_classes=5, **options)
    return dict(model.state_dict())


@pytest.mark.parametrize(
    ("options", "spec", "over"),
    [
        ({"global_pool": "map"}, PLAIN, "attn_pool."),
        ({"reg_tokens": 4, "no_embed_class": True}, PATCHES, "reg_token"),
        ({"pre_norm": True}, PLAIN, "norm_pre."),
        ({"fc_norm": True, "final_norm": True}, PLAIN, "fc_norm."),
    ],
)
def test_a_model_of_timm_with_more_layers_is_refused(
    options: dict[str, Any], spec: dict[str, Any], over: str
) -> None:
    """It cannot be loaded, and each additional tensor is left over."""
    state = timm_state(**options)
    plan = planned(spec, state)
    assert "DS413" in codes(plan)
    assert set(plan.left_over) == {name for name in state if name.startswith(over)}
    (found,) = (each for each in plan.diagnostics if each.code == "DS413")
    assert found.notes[0].startswith("may affect the output: ")
    assert not plan.dropped
    for permitted in (allowed(strict=False), allowed(allow={"drop"})):
        with pytest.raises(WeightsError, match="DS413"):
            require(plan, permitted)
    (*_, note) = inspect(Checkpoint("w", "x", state)).diagnostics
    assert note.message == found.message
    assert note.notes == (*found.notes, "`plan` refuses this with any spec")


def test_the_same_without_them_is_taken() -> None:
    """So the additional layers are the only reason."""
    assert planned(PLAIN, timm_state()).counts() == {"taken": len(state_of(PLAIN))}


@pytest.mark.parametrize("name", ["gain", "pooler.gate", "decoder.weight", "neck.0.x"])
def test_an_unknown_tensor_is_left_over(name: str) -> None:
    plan = planned(PLAIN, {**state_of(PLAIN), name: torch.zeros(1)})
    assert plan.left_over == (name,)
    (found,) = plan.diagnostics
    words = f"may affect the output: {name}"
    assert (found.code, found.notes) == ("DS413", (words,))


def test_a_permission_is_proposed() -> None:
    plan = planned(PLAIN, {**state_of(PLAIN), "mask_token": torch.zeros(1)})
    (found,) = find_forbidden(plan, allowed())
    assert found.code == "DS414"
    assert found.helps[0].startswith("`--allow drop`")
    assert found.helps[1].startswith('`allow={"drop"}` in Python')


@pytest.mark.parametrize("dtype", [torch.int32, torch.float8_e4m3fn, torch.complex64])
def test_a_plan_finds_other_types(dtype: torch.dtype) -> None:
    state = state_of(PLAIN)
    state["norm.weight"] = state["norm.weight"].to(dtype)
    plan = planned(PLAIN, state)
    assert codes(plan) == ["DS407"]
    assert not plan.reconciles
    assert sum(plan.counts().values()) == len(state) - 1


def test_another_shape_is_not_taken() -> None:
    plan = planned(PLAIN, {**state_of(PLAIN), "blocks.1.attn.qkv.bias": torch.zeros(5)})
    assert codes(plan) == ["DS411"]
    assert "blocks.1.attn.qkv.bias" not in {step.name for step in plan.steps}
