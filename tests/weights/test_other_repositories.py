"""Checkpoints of BEiT's repository and of OpenMMLab load, and compute the same."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peers import import_timm
from support.checkpoints import DEIT3, DISTILLED, PLAIN, same, save, state_of
from torch import Tensor

import deit_spec
from deit_spec.weights import (
    Checkpoint,
    fill,
    inspect,
    make_plan,
    open_checkpoint,
    require,
)


def test_split_biases_are_fused(tmp_path: Path) -> None:
    """BEiT's keys have no bias, which is a bias of zero."""
    state = state_of(PLAIN)
    named = {n: t for n, t in state.items() if not n.endswith("attn.qkv.bias")}
    for index in range(2):
        name = f"blocks.{index}.attn.qkv.bias"
        state[name][24:48] = 0
        query, _, value = state[name].chunk(3)
        named[f"blocks.{index}.attn.q_bias"] = query.clone()
        named[f"blocks.{index}.attn.v_bias"] = value.clone()
    path = save({f"encoder.{n}": t for n, t in named.items()}, tmp_path / "w.pth")
    checkpoint = open_checkpoint(path)
    plan = make_plan(deit_spec.lower(PLAIN), checkpoint)
    assert plan.naming_scheme == "names of BEiT's repository"
    assert plan.counts() == {"taken": len(state) - 2, "fused": 2}
    assert not plan.needs
    assert same(dict(deit_spec.load(PLAIN, weights=path).state_dict()), state)
    assert inspect(checkpoint).values["depth"] == 2


def test_a_block_of_beit_computes_the_same() -> None:
    """With timm's own block, whose attention has the two biases."""
    beit = import_timm().models.beit
    torch.manual_seed(0)
    block = beit.Block(24, num_heads=3, qkv_bias=True, init_values=0.5).eval()
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    spec = {**DEIT3, "depth": 1}
    state = {n: t for n, t in state_of(spec).items() if not n.startswith("blocks.")}
    learned = dict(block.named_parameters())
    state |= {f"blocks.0.{name}": t.detach() for name, t in learned.items()}
    checkpoint = Checkpoint("w", "torch, zip", state)
    compiled = deit_spec.compile(spec)
    plan = make_plan(compiled.graph, checkpoint)
    require(plan, frozenset())
    model = fill(compiled.source, "deit", plan, checkpoint).eval()
    tokens = torch.randn(2, 17, 24)
    with torch.no_grad():
        for norm in (block.norm1, block.norm2):
            norm.eps = 1e-6
        ours, theirs = model.blocks[0](tokens), block(tokens)  # type: ignore[index]
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def openmmlab(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The names that mmpretrain's `tools/model_converters/deit*` write."""
    parts = {
        "norm1": "ln1",
        "norm2": "ln2",
        "mlp.fc1": "ffn.layers.0.0",
        "mlp.fc2": "ffn.layers.1",
        "ls1.gamma": "attn.gamma1.weight",
        "ls2.gamma": "ffn.gamma2.weight",
    }
    named = {}
    for name, tensor in state.items():
        first, _, rest = name.partition(".")
        if first in {"head", "head_dist"}:
            their = f"head.layers.{name}"
        elif first == "patch_embed":
            their = f"backbone.{name.replace('proj', 'projection')}"
        elif first == "norm":
            their = f"backbone.ln1.{rest}"
        elif first == "blocks":
            for part, other in parts.items():
                rest = rest.replace(part, other)
            their = f"backbone.layers.{rest}"
        else:
            their = f"backbone.{name}"
        named[their] = tensor
    return named


@pytest.mark.parametrize("spec", [DISTILLED, PLAIN, DEIT3])
@pytest.mark.parametrize("prefix", ["", "module.", "model."])
def test_openmmlab(spec: Any, prefix: str, tmp_path: Path) -> None:
    state = state_of(spec)
    named = {f"{prefix}{n}": tensor for n, tensor in openmmlab(state).items()}
    value = {"meta": {"epoch": 300}, "state_dict": named}
    path = save(value, tmp_path / "w.pth")
    checkpoint = open_checkpoint(path)
    found = inspect(checkpoint)
    assert found.naming_scheme == "names of OpenMMLab's mmpretrain"
    assert same(dict(deit_spec.load(spec, weights=path).state_dict()), state)
    inferred = deit_spec.load({**found.values, "num_heads": 3}, weights=path)
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        wanted = deit_spec.load(spec, weights=path).eval().predict(images)
        torch.testing.assert_close(inferred.eval().predict(images), wanted)
