"""The plan says what becomes of each tensor, and the loaded model does just that."""

from pathlib import Path
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
    model_of,
    planned,
    same,
    save,
    state_of,
)
from torch import Tensor

import deit_spec
from deit_spec.weights import (
    Checkpoint,
    Kind,
    Plan,
    WeightsError,
    allowed,
    fill,
    make_plan,
    require,
    resample,
)


def filled(spec: Any, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """What a model has after its plan was executed."""
    compiled = deit_spec.compile(spec)
    checkpoint = Checkpoint("w.pth", "torch, zip", state)
    plan = make_plan(compiled.graph, checkpoint)
    require(plan, allowed(strict=False))
    model = fill(compiled.source, "deit", plan, checkpoint)
    return dict(model.state_dict())


def fates(plan: Plan) -> dict[str, set[str]]:
    """The tensors of each fate but `taken`."""
    found: dict[str, set[str]] = {}
    for step in plan.steps:
        if step.kind is not Kind.TAKEN:
            found.setdefault(step.kind.value, set()).add(step.name)
    if plan.dropped:
        found["dropped"] = {each.name for each in plan.dropped}
    return found


def need(plan: Plan, *words: str) -> None:
    """Check that just these have to be allowed, and that each of them has to."""
    assert plan.reconciles
    assert plan.needs == set(words)
    require(plan, allowed(allow=words))
    for word in words:
        with pytest.raises(WeightsError) as caught:
            require(plan, allowed(allow=set(words) - {word}))
        (found,) = caught.value.diagnostics
        assert found.code == "DS414"
        assert f"`{word}`" in found.message


@pytest.mark.parametrize("spec", [DISTILLED, PLAIN, DEIT3])
def test_all_taken(spec: dict[str, Any]) -> None:
    state = state_of(spec)
    plan = planned(spec, state)
    assert fates(plan) == {}
    assert plan.counts() == {"taken": len(state)}
    need(plan)
    assert same(filled(spec, state), state)


def test_renamed() -> None:
    state = state_of(DEIT3)
    old = {
        name.replace("ls1.gamma", "gamma_1").replace("ls2.gamma", "gamma_2"): tensor
        for name, tensor in state.items()
    }
    plan = planned(DEIT3, old)
    scales = {f"blocks.{i}.ls{n}.gamma" for i in (0, 1) for n in (1, 2)}
    assert fates(plan) == {"renamed": scales}
    need(plan)
    assert same(filled(DEIT3, old), state)


def test_fused() -> None:
    state = state_of(DISTILLED)
    parts = hf_in_memory(state)
    plan = planned(DISTILLED, parts)
    fused = {f"blocks.{i}.attn.qkv.{p}" for i in (0, 1) for p in ("weight", "bias")}
    assert fates(plan) == {"fused": fused, "renamed": state.keys() - fused}
    need(plan)
    assert same(filled(DISTILLED, parts), state)
    (step,) = (s for s in plan.steps if s.name == "blocks.1.attn.qkv.bias")
    assert step.sources == tuple(
        f"deit.layers.1.attention.{x}_proj.bias" for x in "qkv"
    )


@pytest.mark.parametrize("part", ["q", "v"])
def test_one_of_query_key_and_value_is_missing(part: str) -> None:
    state = hf_in_memory(state_of(DISTILLED))
    del state[f"deit.layers.1.attention.{part}_proj.weight"]
    plan = planned(DISTILLED, state)
    assert codes(plan) == ["DS412", "DS413"]
    assert plan.missing == ("blocks.1.attn.qkv.weight",)
    assert len(plan.left_over) == 2


@pytest.mark.parametrize("spec", [DISTILLED, PLAIN, DEIT3])
@pytest.mark.parametrize("size", [8, 24, 56])
def test_resampled(spec: dict[str, Any], size: int) -> None:
    state = state_of(spec)
    larger = changed(spec, image_size=size)
    plan = planned(larger, state)
    assert fates(plan) == {"resampled": {"pos_embed"}}
    (step,) = (s for s in plan.steps if s.name == "pos_embed")
    assert f"4×4 → {size // 8}×{size // 8}, bicubic" in step.reason
    need(plan, "resample")
    prefix = 0 if spec is DEIT3 else 1 + (spec is DISTILLED)
    wanted = resample(state["pos_embed"], prefix=(prefix, prefix), grid=(4, size // 8))
    assert same(filled(larger, state), {**state, "pos_embed": wanted})


@pytest.mark.parametrize(
    ("fields", "heads"),
    [
        ({"num_classes": 3, "teacher_num_classes": 3}, ("head", "head_dist")),
        ({"num_classes": 3, "variant": {"fusion": "cls", "init": "fan_in"}}, ("head",)),
        (
            {"teacher_num_classes": 3, "variant": {"fusion": "dist", "init": "fan_in"}},
            ("head_dist",),
        ),
    ],
)
def test_other_classes(fields: dict[str, Any], heads: tuple[str, ...]) -> None:
    """Heads of other classes are initialised as in a new model."""
    state, spec = state_of(DISTILLED), changed(DISTILLED, **fields)
    plan = planned(spec, state)
    names = {f"{head}.{part}" for head in heads for part in ("weight", "bias")}
    assert fates(plan) == {"re-initialised": names, "dropped": names}
    need(plan, "heads")
    torch.manual_seed(3)
    found = filled(spec, state)
    kept = {name: tensor for name, tensor in found.items() if name not in names}
    assert same(kept, {n: t for n, t in state.items() if n not in names})
    for head in heads:
        assert found[f"{head}.weight"].shape == (3, 24)
        assert not found[f"{head}.bias"].any()
        assert 0.1 < found[f"{head}.weight"].std() < 0.3


def test_no_head_and_a_new_head() -> None:
    features = changed(PLAIN, num_classes=None)
    state = state_of(PLAIN)
    plan = planned(features, state)
    assert fates(plan) == {"dropped": {"head.weight", "head.bias"}}
    need(plan, "heads")
    kept = filled(features, state)
    again = planned(PLAIN, kept)
    assert fates(again) == {"re-initialised": {"head.weight", "head.bias"}}
    need(again, "heads")


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("old", [1, 2, 3, 4, 6])
def test_other_channels(old: int, count: int) -> None:
    """Every pair: summed, the first of them, or repeated; times old/new."""
    state = state_of(changed(PLAIN, in_channels=old))
    spec = changed(PLAIN, in_channels=count)
    plan = planned(spec, state)
    if count == old:
        assert fates(plan) == {}
        return
    name = "patch_embed.proj.weight"
    assert fates(plan) == {"adapted": {name}}
    need(plan, "channels")
    (step,) = (each for each in plan.steps if each.name == name)
    kernels = state[name].double()
    if count == 1:
        wanted, rule = kernels.sum(1, keepdim=True), "summed"
    elif count < old:
        wanted = kernels[:, :count] * (old / count)
        rule = f"the first {count}, times {old}/{count}"
    else:
        turns = [kernels[:, i % old] for i in range(count)]
        wanted = torch.stack(turns, 1) * (old / count)
        rule = f"repeated cyclically, times {old}/{count}"
    assert step.reason.endswith(f" → {count}, {rule}")
    found = filled(spec, state)
    torch.testing.assert_close(found.pop(name), wanted.float())
    assert same(found, {n: t for n, t in state.items() if n != name})


def test_grey_images_have_the_same_output_as_in_three_channels() -> None:
    """A model of one channel answers as the model of three does to grey."""
    state, spec = state_of(PLAIN), changed(PLAIN, in_channels=1)
    grey = torch.randn(2, 1, 32, 32)
    one, three = deit_spec.load(spec).eval(), deit_spec.load(PLAIN).eval()
    one.load_state_dict(filled(spec, state))
    three.load_state_dict(state)
    torch.testing.assert_close(one(grey), three(grey.expand(-1, 3, -1, -1)))


def test_distilled_to_plain() -> None:
    state = state_of(DISTILLED)
    plan = planned(PLAIN, state)
    assert fates(plan) == {
        "adapted": {"pos_embed"},
        "dropped": {"dist_token", "head_dist.weight", "head_dist.bias"},
    }
    need(plan, "distillation")
    positions = state["pos_embed"]
    wanted = {name: tensor for name, tensor in state.items() if "dist" not in name}
    wanted["pos_embed"] = torch.cat((positions[:, :1], positions[:, 2:]), dim=1)
    assert same(filled(PLAIN, state), wanted)


def test_plain_to_distilled() -> None:
    """The distillation token, its position and its head are the class token's."""
    state = state_of(PLAIN)
    plan = planned(DISTILLED, state)
    assert fates(plan) == {
        "adapted": {"pos_embed"},
        "created": {"dist_token", "head_dist.weight", "head_dist.bias"},
    }
    reasons = {step.name: step.reason for step in plan.steps}
    assert "a copy of the class token" in reasons["dist_token"]
    assert "copy of the class token's" in reasons["pos_embed"]
    need(plan, "distillation")
    positions = state["pos_embed"]
    wanted = {
        **state,
        "dist_token": state["cls_token"],
        "pos_embed": torch.cat((positions[:, :1], positions), dim=1),
        "head_dist.weight": state["head.weight"],
        "head_dist.bias": state["head.bias"],
    }
    found = filled(DISTILLED, state)
    assert same(found, wanted)
    pointers = {tensor.untyped_storage().data_ptr() for tensor in found.values()}
    assert len(pointers) == len(found)


def test_all_at_once() -> None:
    spec = changed(
        DISTILLED, image_size=48, in_channels=1, num_classes=7, teacher_num_classes=5
    )
    spec["variant"] = {"fusion": "cls"}
    state = state_of(PLAIN)
    plan = planned(spec, state)
    assert {kind: len(names) for kind, names in fates(plan).items()} == {
        "adapted": 1,
        "resampled": 1,
        "created": 3,
        "re-initialised": 2,
    }
    need(plan, "resample", "channels", "heads", "distillation")
    positions = filled(spec, state)["pos_embed"]
    assert torch.equal(positions[:, 0], state["pos_embed"][:, 0])
    assert torch.equal(positions[:, 1], state["pos_embed"][:, 0])


def test_a_pooler_is_dropped_if_allowed() -> None:
    state = {**state_of(PLAIN), "pooler.dense.weight": torch.zeros(1)}
    plan = planned(PLAIN, state)
    assert fates(plan) == {"dropped": {"pooler.dense.weight"}}
    need(plan, "drop")


def test_the_decoder_of_masked_images_is_dropped_if_allowed() -> None:
    decoder = {"decoder.0.weight": torch.zeros(1), "decoder_blocks.3.x": torch.zeros(1)}
    plan = planned(PLAIN, {**state_of(PLAIN), **decoder})
    assert fates(plan) == {"dropped": set(decoder)}
    need(plan, "drop")


@pytest.mark.parametrize("token", [False, True])
@pytest.mark.parametrize("own", [4, 5])
@pytest.mark.parametrize("teachers", [4, 5])
def test_the_source_of_the_distillation_head(
    token: bool,  # noqa: FBT001
    own: int,
    teachers: int,
) -> None:
    """For a new token it is a copy of the head of the class token."""
    any_ = {"variant": {"init": "fan_in", "fusion": "cls"}}
    spec = changed(DISTILLED, num_classes=4, teacher_num_classes=4, **any_)
    old = changed(DISTILLED, num_classes=own, teacher_num_classes=teachers, **any_)
    state = state_of(old if token else changed(PLAIN, num_classes=own))
    plan = planned(spec, state)
    (step,) = (each for each in plan.steps if each.name == "head_dist.weight")
    expected = {
        (True, 4): (Kind.TAKEN, set()),
        (True, 5): (Kind.REINITIALISED, {"heads"}),
        (False, 4): (Kind.CREATED, {"distillation"}),
        (False, 5): (Kind.REINITIALISED, {"distillation"}),
    }[token, teachers if token else own]
    assert (step.kind, set(step.needs)) == expected


@pytest.mark.parametrize(
    "name",
    [
        "pooler.dense.bias",
        "vit.pooler.dense.weight",
        "mask_token",
        "deit.embeddings.mask_token",
        "decoder.0.bias",
        "decoder_pos_embed",
        "decoder_blocks.7.attn.qkv.weight",
        "decoder_pred.weight",
        "decoder.decoder_layers.3.output.dense.bias",
        "decoder.decoder_encoder.layer.3.output.dense.bias",
        "decoder.decoder_norm.weight",
        "decoder.mask_token",
        "total_ops",
        "blocks.1.attn.qkv.total_params",
        "projector.0.weight",
        "projection_head.2.bias",
        "proj_head.weight",
        "predictor.3.running_mean",
        "prototypes.weight",
    ],
)
def test_tensors_without_effect_can_be_dropped(name: str) -> None:
    plan = planned(PLAIN, {**state_of(PLAIN), name: torch.zeros(1)})
    assert plan.reconciles
    assert plan.needs == {"drop"}
    (dropped,) = plan.dropped
    assert (dropped.name, dropped.reason) == (name, "it has no effect on the output")


def test_counts_of_a_profiler_are_dropped(tmp_path: Path) -> None:
    """thop registers two buffers in each module."""
    model = model_of(PLAIN)
    for module in model.modules():
        module.register_buffer("total_ops", torch.zeros(1, dtype=torch.float64))
        module.register_buffer("total_params", torch.zeros(1, dtype=torch.float64))
    names = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    path = save(names, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="would need `drop`") as caught:
        deit_spec.load(PLAIN, weights=path)
    assert "affect" not in str(caught.value)
    found = deit_spec.load(PLAIN, weights=path, allow={"drop"}).state_dict()
    assert same(dict(found), state_of(PLAIN))
    assert {tensor.dtype for tensor in found.values()} == {torch.float32}


@pytest.mark.parametrize("spec", [PLAIN, {**PLAIN, "num_classes": None}])
def test_a_head_of_several_layers_is_dropped_as_a_head(spec: dict[str, Any]) -> None:
    """MoCo v3 and DINO have a projector in place of the head."""
    state = {
        name: tensor
        for name, tensor in state_of(PLAIN).items()
        if not name.startswith("head.")
    }
    layers = {"head.0.weight", "head.1.running_mean", "head.last_layer.weight_g"}
    plan = planned(spec, state | dict.fromkeys(layers, torch.zeros(24)))
    assert plan.reconciles
    assert plan.needs == {"heads"}
    assert {each.name for each in plan.dropped} == layers
    kinds = {step.kind for step in plan.steps if step.name.startswith("head.")}
    assert kinds == ({Kind.REINITIALISED} if spec["num_classes"] else set())


def test_layers_beside_a_head_may_affect_the_output() -> None:
    plan = planned(PLAIN, {**state_of(PLAIN), "head.0.weight": torch.zeros(24)})
    assert plan.left_over == ("head.0.weight",)
