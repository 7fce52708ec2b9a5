"""timm's weights load into each published model, and give the same outputs."""

from pathlib import Path

import pytest
import torch
from peers import import_timm
from safetensors.torch import save_file
from support.published import PUBLISHED
from torch import nn

import deit_spec
from deit_spec.weights import Checkpoint, fill, inspect, make_plan, require

WIDEST = 768
"""The largest embed_dim of the models whose outputs are compared: deit3_base."""
FAST = 192
"""The largest embed_dim of those that are compared within a second."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_tensor_of_timm_is_taken(name: str) -> None:
    """With `strict`, for all sixteen, on the meta device."""
    with torch.device("meta"):
        state = import_timm().create_model(name, pretrained=False).state_dict()
    compiled = deit_spec.compile(name)
    checkpoint = Checkpoint(name, "torch, zip", state)
    plan = make_plan(compiled.graph, checkpoint)
    require(plan, frozenset())
    assert plan.counts() == {"taken": len(state)}
    model = fill(compiled.source, "deit", plan, checkpoint, device="meta")
    assert sum(p.numel() for p in model.parameters()) == PUBLISHED[name].parameters
    found = inspect(checkpoint).values
    spec = deit_spec.load_spec(name)
    if name != "deit3_huge_patch14_224":  # its heads are not 64 wide
        assert found.pop("num_heads") == spec.num_heads
    for field, value in found.items():
        assert field in {"variant", "num_heads"} or getattr(spec, field) == value


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if each.embed_dim > FAST else [])
        for name, each in PUBLISHED.items()
        if each.embed_dim <= WIDEST
    ],
)
def test_outputs_are_timms(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    theirs = import_timm().create_model(name, pretrained=False).eval()
    for key, parameter in theirs.named_parameters():
        if key.endswith("gamma"):  # near zero it would hide the branches it scales
            nn.init.normal_(parameter)
    path = tmp_path / "timm.safetensors"
    save_file(theirs.state_dict(), path)
    ours = deit_spec.load(name, weights=path).eval()
    size = PUBLISHED[name].image_size
    images = torch.randn(1, 3, size, size)
    with torch.inference_mode():
        wanted, found = theirs(images), ours.predict(images)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)
    assert wanted.std() > 0.01
