"""Dropping what is not read changes the cost, and nothing else."""

from typing import Any

import pytest
import torch
from hypothesis import given
from support.execution import double, images_for, interpret
from support.strategies import options, specs
from torch import Tensor, nn

import deit_spec
from deit_spec import DeiTSpec, LayerGraph
from deit_spec.codegen import generate
from deit_spec.cost import total
from deit_spec.graph import Stage, verify
from deit_spec.lowering import lower
from deit_spec.ops import LinearPart, MergeHeads, TakeTokens, show
from deit_spec.passes import (
    drop_identities,
    drop_unread_tokens,
    infer_shapes,
)
from deit_spec.runtime import build

SPEC = DeiTSpec(
    image_size=8,
    patch_size=2,
    embed_dim=8,
    num_heads=2,
    depth=3,
    num_classes=5,
    teacher_num_classes=5,
)


def gradients(model: nn.Module, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The outputs and taps of a model, and the gradients of all its parameters."""
    result = model(images)
    outputs = [*result] if isinstance(result, tuple) else [result]
    if isinstance(outputs[-1], dict):
        outputs += outputs.pop().values()
    generator = torch.Generator().manual_seed(1)
    loss = images.new_zeros(())
    for output in outputs:
        weight = torch.randn(output.shape, generator=generator, dtype=output.dtype)
        loss = loss + (output * weight).sum()
    loss.backward()
    found = [
        torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters()
    ]
    return outputs, found


@given(specs(), options())
def test_outputs_and_gradients_are_those_of_all_tokens(
    spec: DeiTSpec, options: dict[str, Any]
) -> None:
    images = images_for(spec).double()
    whole = double(spec, **{**options, "drop_unread": False})
    part = double(spec, **{**options, "drop_unread": True})
    part.load_state_dict(whole.state_dict(), strict=True)
    whole.load_state_dict(part.state_dict(), strict=True)
    for ours, theirs in zip(
        gradients(part, images), gradients(whole, images), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-12)


@given(specs())
def test_only_what_is_read_is_computed(spec: DeiTSpec) -> None:
    """The multiply-accumulates are those of a last block for the tokens read."""
    both = spec.num_classes is not None and (
        spec.teacher_num_classes is not None or spec.variant.readout == "mean_tokens"
    )
    read, n = 1 + both, spec.num_tokens
    c, m = spec.embed_dim, spec.mlp_dim
    skipped = n - read
    saved = skipped * (c * c + 2 * n * c + c * c + 2 * c * m)
    whole, part = (
        total(deit_spec.compile(spec, drop_unread=drop).graph).macs
        for drop in (False, True)
    )
    assert whole - part == saved


def test_the_default_is_the_target_s() -> None:
    plain = deit_spec.compile(SPEC)
    assert plain.source == deit_spec.compile(SPEC, drop_unread=False).source
    graph = deit_spec.compile(SPEC, target="inference").graph
    assert show(graph.shape("norm")) == "[B, R=2, C=8]"
    assert show(graph.shape("blocks.2.attn.k")) == "[B, H=2, N=18, D=4]"


def finish(graph: LayerGraph) -> LayerGraph:
    graph = drop_identities(infer_shapes(graph))
    verify(graph)
    graph = drop_unread_tokens(graph)
    graph.stage = Stage.FINAL
    verify(graph)
    return graph


def values(graph: LayerGraph) -> list[Tensor]:
    """What a graph returns, in the generated module and node by node."""
    torch.manual_seed(0)
    model = build(generate(graph), "part", dtype="float64").eval()
    images = images_for(SPEC).double()
    result = model(images)
    results = [*result] if isinstance(result, tuple) else [result]
    known = interpret(graph, model, images)
    for path, found in zip(graph.outputs.values(), results, strict=True):
        torch.testing.assert_close(found, known[path], rtol=0, atol=0)
    return results


def taken(graph: LayerGraph) -> dict[str, str]:
    """Where tokens are taken, and which."""
    return {p: op.summary for p, op in graph.ops() if isinstance(op, TakeTokens)}


OUTPUTS: dict[str, tuple[str, dict[str, str]]] = {
    # Another output in the last block, and where the tokens of the heads are taken.
    "all tokens after the norm": ("norm", {}),
    "tokens of the last block": ("blocks.2.add2", {"take": "tokens 0 to 1"}),
    "tokens before its MLP": ("blocks.2.add1", {
        "blocks.2.take": "tokens 0 to 1",
    }),
    "heads before they are joined": ("blocks.2.attn.sdpa", {
        "blocks.2.attn.take": "tokens 0 to 1", "blocks.2.take": "tokens 0 to 1",
    }),
    "the queries": ("blocks.2.attn.q", {
        "blocks.2.attn.take": "tokens 0 to 1", "blocks.2.take": "tokens 0 to 1",
    }),
    "the fused projection": ("blocks.2.attn.qkv", {
        "blocks.2.attn.take": "tokens 0 to 1", "blocks.2.take": "tokens 0 to 1",
    }),
    "the keys": ("blocks.2.attn.k", {
        "blocks.2.attn.take": "tokens 0 to 1", "blocks.2.take": "tokens 0 to 1",
    }),
}  # fmt: skip


@pytest.mark.parametrize("case", OUTPUTS)
def test_what_another_output_reads_is_computed(case: str) -> None:
    path, where = OUTPUTS[case]
    graphs = []
    for drop in (finish, lambda g: drop_identities(infer_shapes(g))):
        graph = lower(SPEC)
        graph.outputs = {**graph.outputs, "more": path}
        graphs.append(drop(graph))
    part, whole = graphs
    assert taken(part) == where
    assert part.shape(path) == whole.shape(path)
    for ours, theirs in zip(values(part), values(whole), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def test_the_second_token_alone() -> None:
    """With the distillation head alone, token 1 is the only one."""
    spec = SPEC.model_copy(
        update={"variant": SPEC.variant.model_copy(update={"fusion": "dist"})}
    )
    compiled = deit_spec.compile(spec, target="inference")
    assert set(taken(compiled.graph).values()) == {"token 1"}
    assert "x[:, 1:2] + self.attn" in compiled.source
    assert "self.head_dist(x[:, 0])" in compiled.source


def test_parts_that_are_not_at_the_ends() -> None:
    """A projection whose middle part alone is read for some tokens."""
    graph = infer_shapes(lower(SPEC))
    graph.network.remove_edge("blocks.2.attn.q", "blocks.2.attn.sdpa")
    graph.network.remove_edge("blocks.2.attn.k", "blocks.2.attn.sdpa")
    graph.network.add_edge("blocks.2.attn.k", "blocks.2.attn.sdpa", argument=0)
    graph.network.add_edge("blocks.2.attn.q", "blocks.2.attn.sdpa", argument=1)
    part = finish(graph)
    rows = {p: op for p, op in part.ops() if isinstance(op, LinearPart)}
    assert [op.first for op in rows.values()] == [0, 1, 2]
    assert "weight[DIM : 2 * DIM]" in generate(part)
    assert isinstance(part.op("blocks.2.attn.merge"), MergeHeads)
    values(part)
