"""What another model computes with is never left out, whatever is allowed."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from peers import import_timm
from support.checkpoints import PLAIN, codes, planned, state_of

from deit_spec.weights import (
    Checkpoint,
    WeightsError,
    allowed,
    find_forbidden,
    inspect,
    require,
)
from deit_spec.weights.identify import takes_no_part, takes_part

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
def test_a_model_of_timm_that_computes_more_is_refused(
    options: dict[str, Any], spec: dict[str, Any], over: str
) -> None:
    """It loads in no way, and each tensor that is in the way is left over."""
    state = timm_state(**options)
    plan = planned(spec, state)
    assert "DS413" in codes(plan)
    assert set(plan.left_over) == {name for name in state if name.startswith(over)}
    (found,) = (each for each in plan.diagnostics if each.code == "DS413")
    assert found.notes[-1].partition(" take")[2] in {
        " part in the output",
        "s part in the output",
    }
    assert not plan.dropped
    for permitted in (allowed(strict=False), allowed(allow={"drop"})):
        with pytest.raises(WeightsError, match="DS413"):
            require(plan, permitted)
    said = [each.message for each in inspect(Checkpoint("w", "x", state)).diagnostics]
    assert any("may take part in the output" in message for message in said)


def test_the_same_without_them_is_taken() -> None:
    """So the refusal is of them alone."""
    assert planned(PLAIN, timm_state()).counts() == {"taken": len(state_of(PLAIN))}


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
        "decoder.decoder_norm.weight",
        "decoder.mask_token",
    ],
)
def test_what_stands_aside_can_be_dropped(name: str) -> None:
    plan = planned(PLAIN, {**state_of(PLAIN), name: torch.zeros(1)})
    assert plan.reconciles
    assert plan.needs == {"drop"}
    (dropped,) = plan.dropped
    assert (dropped.name, dropped.reason) == (name, "it takes no part in the output")


@pytest.mark.parametrize("name", ["gain", "pooler.gate", "decoder.weight", "neck.0.x"])
def test_what_is_not_known_is_left_over(name: str) -> None:
    plan = planned(PLAIN, {**state_of(PLAIN), name: torch.zeros(1)})
    assert plan.left_over == (name,)
    (found,) = plan.diagnostics
    words = f"nothing is known of {name}: it may take part in the output"
    assert (found.code, found.notes) == ("DS413", (words,))


@given(st.text(st.sampled_from("abc.01\n_"), max_size=12))
def test_no_name_does_both(name: str) -> None:
    for known in ("reg_token", "blocks.0.", "pooler.dense.", "mask_token", "decoder_"):
        for whole in (known + name, name + known):
            assert not (takes_part(whole) and takes_no_part(whole))


def test_all_that_is_needed_is_proposed_where_that_is_enough() -> None:
    """Beside what cannot be reconciled the one word alone is."""
    state = {**state_of(PLAIN), "mask_token": torch.zeros(1)}
    for more, enough in (({}, True), ({"gain": torch.zeros(1)}, False)):
        (found,) = find_forbidden(planned(PLAIN, {**state, **more}), allowed())
        assert found.code == "DS414"
        assert ("--no-strict" in found.helps[0]) == enough
        assert ("strict=False" in found.helps[1]) == enough
        assert found.helps[0].startswith("`--allow drop`")
