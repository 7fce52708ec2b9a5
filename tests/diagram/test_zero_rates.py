"""Blocks that differ only in a rate are drawn as one."""

from diagram.graphs_to_draw import SIZES, TINY, graph_of, graphs
from diagram.reading_svg import read_svg
from hypothesis import given
from hypothesis import strategies as st

from deit_spec.diagram import Detail, as_svg
from deit_spec.diagram.zero_rates import with_zero_rates
from deit_spec.graph import LayerGraph, Target
from deit_spec.lowering import lower
from deit_spec.passes import PassOptions, infer_shapes, run_passes
from deit_spec.passes.drop_identities import drop_identities
from deit_spec.spec import DeiTSpec, Variant


def parts(graph: LayerGraph) -> object:
    """The layers in order, and what they read."""
    order = graph.order()
    layers = [(path, graph.op(path), graph.shape(path)) for path in order]
    return layers, [graph.inputs(path) for path in order], graph.results()


@given(graphs())
def test_only_layers_without_effect_are_added(graph: LayerGraph) -> None:
    before = parts(graph)
    found = with_zero_rates(graph)
    assert parts(infer_shapes(found)) == parts(found)
    assert parts(drop_identities(found)) == before
    assert parts(graph) == before


@given(st.integers(2, 6), st.sampled_from([0.0, 0.2]), st.sampled_from([None, 1e-5]))
def test_blocks_are_one_box(depth: int, drop_path: float, scale: float | None) -> None:
    fields = {**TINY, **SIZES, "depth": depth, "layer_scale": scale}
    graph = graph_of(drop_path=drop_path, **fields)
    blocks = [f"blocks.{index}" for index in range(depth)]
    text = as_svg(graph)
    assert read_svg(text).scopes == {"blocks.0": blocks}
    # In the box and in its tooltip, of two layers.
    assert text.count("DropPath 0 … 0.2") == (4 if drop_path else 0)
    full = as_svg(graph, detail=Detail.FULL)
    assert set(read_svg(full).boxes) == set(graph)


def test_a_block_that_differs_in_more_is_drawn_as_it_is() -> None:
    """The last of two blocks computes only the tokens that are read."""
    spec = DeiTSpec(depth=2, num_classes=10, variant=Variant(drop_path=0.2))
    graph = run_passes(lower(spec), Target.TRAIN, PassOptions(drop_unread=True))
    assert with_zero_rates(graph) is graph


def test_a_block_that_is_drawn_alone_has_only_its_own_layers() -> None:
    """The output of the first block is returned, so the figure ends a run at it."""
    graph = graph_of(**TINY | SIZES | {"drop_path": 0.2, "taps": ["blocks.0"]})
    assert set(read_svg(as_svg(graph)).boxes) == set(graph)
