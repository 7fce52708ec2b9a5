"""Graphs that no spec produces: codegen works from the graph alone."""

import sys
from dataclasses import replace

import pytest
import torch
from support.execution import interpret

import deit_spec
from deit_spec import LayerGraph, Variant
from deit_spec.codegen import generate
from deit_spec.graph import Stage
from deit_spec.lowering import lower
from deit_spec.ops import Constant, Dim, LayerScale, Linear, ReadToken, TruncatedNormal
from deit_spec.passes import drop_identities, infer_shapes
from deit_spec.runtime import build

SPEC = deit_spec.DeiTSpec(
    image_size=8, patch_size=4, embed_dim=8, num_heads=2, depth=3, num_classes=5
)


def finish(graph: LayerGraph) -> LayerGraph:
    graph = drop_identities(infer_shapes(graph))
    graph.stage = Stage.FINAL
    return graph


def check(graph: LayerGraph) -> str:
    """Generate, run, and compare every output with the node-by-node result."""
    source = generate(finish(graph))
    assert max(map(len, source.splitlines())) <= 88
    torch.manual_seed(0)
    model = build(source, "other").eval()
    images = torch.randn(2, 3, 8, 8)
    values = interpret(graph, model, images)
    result = model(images)
    results = result if isinstance(result, tuple) else (result,)
    for path, found in zip(graph.outputs.values(), results, strict=True):
        torch.testing.assert_close(found, values[path], rtol=0, atol=0)
    return source


def with_wider_mlp(block: int) -> LayerGraph:
    """The graph of SPEC, with another hidden width in one block."""
    graph = lower(SPEC)
    width, hidden = Dim(8, "C"), Dim(20)
    fc1 = Linear(width, hidden, TruncatedNormal(0.02))
    fc2 = Linear(hidden, width, TruncatedNormal(0.02))
    for name, op in (("fc1", fc1), ("fc2", fc2)):
        node = graph.network.nodes[f"blocks.{block}.mlp.{name}"]
        node["op"], node["parameters"] = op, op.parameters
    return graph


def test_tokens_of_a_block_as_output() -> None:
    """An output between two blocks, so that the blocks are not a chain."""
    graph = lower(SPEC)
    graph.outputs = {**graph.outputs, "tokens": "blocks.1.add2"}
    source = check(graph)
    assert "nn.ModuleList" in source
    assert "self.blocks[2](x)" in source


def test_value_inside_attention_as_output() -> None:
    """The output of a layer in a block is returned through every enclosing class."""
    graph = lower(SPEC)
    graph.outputs = {**graph.outputs, "heads": "blocks.2.attn.sdpa"}
    source = check(graph)
    assert "class LastAttention" in source
    assert "-> tuple[Tensor, Tensor]:" in source


def test_last_block_of_other_width() -> None:
    """A block of a different structure has its own classes; the others share theirs."""
    source = check(with_wider_mlp(2))
    assert "class LastBlock" in source
    assert "class LastMlp" in source
    assert source.count("class Attention") == 1
    assert "class LastAttention" not in source
    assert "*(Block() for _ in range(DEPTH - 1))" in source


def test_middle_block_of_other_width_is_named_by_its_index() -> None:
    assert "class Block1" in check(with_wider_mlp(1))


def test_a_head_on_another_token() -> None:
    graph = lower(SPEC)
    graph.add("read_last", ReadToken(5), ["norm"])
    op = Linear(Dim(8, "C"), Dim(7), TruncatedNormal(0.02))
    graph.add("probe", op, ["read_last"])
    graph.outputs = {**graph.outputs, "probe": "probe"}
    assert "self.probe(x[:, 5])" in check(graph)


def test_head_with_another_initialisation() -> None:
    """A layer with its own initialisation is set after the loop over its class."""
    graph = lower(SPEC)
    op = replace(graph.op("head"), init=Constant(0.0))
    graph.network.nodes["head"].update(op=op, parameters=op.parameters)
    source = check(graph)
    assert "        nn.init.zeros_(self.head.weight)\n" in source
    assert "nn.init.trunc_normal_(module.weight, std=INIT_STD)" in source


def test_layer_scale_by_block() -> None:
    spec = SPEC.model_copy(update={"variant": Variant(layer_scale=0.5)})
    graph = lower(spec)
    op = LayerScale(Dim(8, "C"), 0.25)
    graph.network.nodes["blocks.1.ls2"].update(op=op, parameters=op.parameters)
    model = build(check(graph), "scales")
    assert (model.blocks[1].ls2.gamma == 0.25).all()
    assert (model.blocks[1].ls1.gamma == 0.5).all()


@pytest.mark.parametrize("exposed", [False, True])
def test_no_quadratic_step(*, exposed: bool) -> None:
    """The number of function calls grows linearly with the depth."""

    def steps(depth: int) -> int:
        count = 0

        def trace(_frame: object, event: str, _argument: object) -> None:
            nonlocal count
            count += event == "call"

        sys.setprofile(trace)
        try:
            graph = lower(SPEC.model_copy(update={"depth": depth}))
            if exposed:
                graph.outputs = {**graph.outputs, "tokens": "blocks.1.add2"}
            generate(finish(graph))
        finally:
            sys.setprofile(None)
        return count

    base = steps(10)
    assert steps(400) - base < 1.1 * (400 - 10) / (40 - 10) * (steps(40) - base)
