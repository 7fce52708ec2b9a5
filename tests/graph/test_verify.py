"""Each rule of each stage rejects a graph that breaks it, and names the node."""

from collections.abc import Callable

import pytest

from deit_spec import DeiTSpec, LayerGraph, Variant
from deit_spec.graph import IllegalGraphError, Stage, Target, verify
from deit_spec.lowering import lower
from deit_spec.ops import Add, Dim, Dropout, Images, Linear, ReadToken, TruncatedNormal
from deit_spec.passes import infer_shapes, run_passes


def final(target: Target = Target.TRAIN) -> LayerGraph:
    spec = DeiTSpec(depth=2, num_classes=5, variant=Variant(distillation_token=False))
    return run_passes(lower(spec), target)


def cycle(graph: LayerGraph) -> None:
    graph.network.add_edge("norm", "blocks.0.norm1", argument=0, shape=None)
    graph.network.remove_edge("add_pos", "blocks.0.norm1")


def second_input(graph: LayerGraph) -> None:
    graph.set_shape(graph.add("more", Images(3, 224)), graph.shape("images"))


def argument_missing(graph: LayerGraph) -> None:
    graph.network.remove_edge("blocks.0.attn.q", "blocks.0.attn.sdpa")


def layer_and_group(graph: LayerGraph) -> None:
    graph.set_shape(
        graph.add("head.extra", ReadToken(0), ["norm"]), graph.shape("read_cls")
    )


def output_nowhere(graph: LayerGraph) -> None:
    graph.outputs = {"logits": "nowhere"}


def no_output(graph: LayerGraph) -> None:
    graph.outputs = {}


def idle(graph: LayerGraph) -> None:
    graph.set_shape(graph.add("idle", ReadToken(0), ["norm"]), graph.shape("read_cls"))


def untyped(graph: LayerGraph) -> None:
    graph.network.nodes["norm"]["shape"] = None


def edge_of_other_shape(graph: LayerGraph) -> None:
    graph.network.edges["norm", "read_cls"]["shape"] = (Dim(1),)


def symbol_of_two_sizes(graph: LayerGraph) -> None:
    batch, tokens, _ = graph.shape("norm")
    graph.set_shape("norm", (batch, tokens, Dim(7, "C")))


def identity(graph: LayerGraph) -> None:
    graph.network.nodes["norm"].update(op=Dropout(0.0), parameters=())


def shape_of_another_op(graph: LayerGraph) -> None:
    op = Linear(graph.shape("norm")[2], Dim(7), TruncatedNormal(0.02))
    graph.network.nodes["head"].update(op=op, parameters=op.parameters)


def parameters_of_another_op(graph: LayerGraph) -> None:
    graph.network.nodes["head"]["parameters"] = ()


def head_that_nothing_reads(graph: LayerGraph) -> None:
    graph.outputs, graph.predict = {"features": "read_cls"}, None


def tap_nowhere(graph: LayerGraph) -> None:
    graph.taps = {"blocks.7": "blocks.7.add2"}


BROKEN: list[tuple[Callable[[LayerGraph], None], str]] = [
    (cycle, "cycle"),
    (second_input, "inputs: ['images', 'more']"),
    (argument_missing, "blocks.0.attn.sdpa: arguments [1, 2], expected 3"),
    (layer_and_group, "head is both a layer and a group of layers"),
    (output_nowhere, "output nowhere is not a layer"),
    (no_output, "no output"),
    (tap_nowhere, "output blocks.7.add2 is not a layer"),
    (head_that_nothing_reads, "head: no output depends on it"),
    (idle, "idle: no layer reads it"),
    (untyped, "norm: no shape"),
    (edge_of_other_shape, "norm -> read_cls: the shape of the edge differs"),
    (symbol_of_two_sizes, "norm: C=7, but 768 elsewhere"),
    (shape_of_another_op, "head: [B, K=5], but its op returns [B, 7]"),
    (parameters_of_another_op, "head: parameters are not those of its op"),
    (identity, "norm: Dropout 0 is an identity"),
]


@pytest.mark.parametrize(
    ("change", "message"), BROKEN, ids=lambda x: getattr(x, "__name__", "")
)
def test_broken_rule_is_found(
    change: Callable[[LayerGraph], None], message: str
) -> None:
    graph = final()
    verify(graph)
    change(graph)
    with pytest.raises(IllegalGraphError) as caught:
        verify(graph)
    assert message in str(caught.value)


def test_nothing_random_at_inference() -> None:
    graph = final(Target.INFERENCE)
    graph.network.nodes["norm"].update(op=Dropout(0.5), parameters=())
    with pytest.raises(IllegalGraphError, match=r"norm: Dropout 0\.5 is random"):
        verify(graph)


def test_one_output_at_inference() -> None:
    graph = final(Target.INFERENCE)
    graph.outputs = {"a": "head", "b": "norm"}
    with pytest.raises(IllegalGraphError, match="outputs"):
        verify(graph)


def test_lowered_graph_needs_no_shapes() -> None:
    graph = lower(DeiTSpec(depth=1))
    assert graph.stage is Stage.LOWERED
    verify(graph)
    graph.stage = Stage.TYPED
    with pytest.raises(IllegalGraphError, match="no shape"):
        verify(graph)


def test_order_follows_data_of_layers_added_later() -> None:
    """A layer that was added last runs before an earlier one that reads it."""
    graph = lower(DeiTSpec(depth=1, num_classes=2))
    graph.network.remove_edge("norm", "read_cls")
    graph.add("late", Add(), ["norm", "tokens"])
    graph.network.add_edge("late", "read_cls", argument=0, shape=None)
    order = infer_shapes(graph).order()
    assert order.index("norm") < order.index("late") < order.index("read_cls")
    verify(graph)
