"""Two graphs as one: what it has of each, and what is marked and drawn."""

from itertools import permutations

import networkx as nx
import pytest
from diagram.graphs_to_draw import graph_of
from diagram.reading_svg import NS, Unfolded, overlaps, parse, read_svg
from hypothesis import given, settings
from hypothesis import strategies as st
from support.strategies import merging_specs

from deit_spec import DeiTSpec
from deit_spec.compare import (
    compare_graphs,
    mark_layers,
    merge_graphs,
)
from deit_spec.cost import total
from deit_spec.diagram import Detail, Fate, Mark, Marks, as_svg, draw, tree
from deit_spec.diagram.graph_view import TO
from deit_spec.graph import LayerGraph, Target
from deit_spec.lowering import lower
from deit_spec.passes import PassOptions, run_passes

MINUS = Fate.REMOVED.value
TARGETS = st.sampled_from(Target)


def compiled(spec: DeiTSpec, target: Target) -> LayerGraph:
    options = PassOptions(merge_tokens=spec.variant.merge_tokens)
    return run_passes(lower(spec), target, options)


def marked(a: LayerGraph, b: LayerGraph) -> Marks:
    return mark_layers(compare_graphs(a, b), a, b)


@given(merging_specs(), merging_specs(), TARGETS)
def test_every_layer_and_line_of_two_graphs(
    a: DeiTSpec, b: DeiTSpec, target: Target
) -> None:
    """Lines of the second graph, some through removed layers, and those of these."""
    one, other = compiled(a, target), compiled(b, target)
    merged = merge_graphs(one, other)
    assert {*merged.network} == {*one.network} | {*other.network}
    for path in merged.network:
        own = other if path in other.network else one
        assert merged.op(path) == own.op(path)
        assert merged.shape(path) == own.shape(path)
    edges, old, new = ({*graph.network.edges} for graph in (merged, one, other))
    removed = {path for path in one.network if path not in other.network}
    beside = {edge for edge in old if removed & {*edge}}
    assert beside <= edges
    assert edges - new == beside
    for source, path in new - edges:
        inside = nx.subgraph(merged.network, {source, path} | removed)
        assert nx.has_path(inside, source, path)
    assert {*other.outputs.values(), *one.outputs.values()} <= {*merged.returned()}


@given(merging_specs(), merging_specs(), TARGETS)
def test_what_is_marked(a: DeiTSpec, b: DeiTSpec, target: Target) -> None:
    one, other = compiled(a, target), compiled(b, target)
    found, marks = compare_graphs(one, other), marked(one, other)
    fates = {
        fate: {path for path, mark in marks.layers.items() if mark.fate is fate}
        for fate in Fate
    }
    assert fates[Fate.ADDED] == {*other.network} - {*one.network}
    assert fates[Fate.REMOVED] == {*one.network} - {*other.network}
    changed = {node.path: node for node in found.nodes if node.kind == "changed"}
    assert fates[Fate.CHANGED] <= {*changed}
    for path in changed.keys() - fates[Fate.CHANGED]:
        node = changed[path]  # it only reads from other layers
        assert not node.properties
        assert not node.sizes
    assert (marks.before, marks.after) == (total(one), total(other))
    assert sum(cost.parameters for cost in marks.costs.values()) == (
        total(other).parameters
    )
    assert not marked(one, one).layers


@pytest.mark.slow
@settings(max_examples=60)
@given(merging_specs(), merging_specs(), TARGETS, st.sampled_from(Detail))
def test_every_pair_can_be_drawn(
    a: DeiTSpec, b: DeiTSpec, target: Target, detail: Detail
) -> None:
    """The figure has every node and edge of both, and each node has its sign."""
    one, other = compiled(a, target), compiled(b, target)
    merged, marks = merge_graphs(one, other), marked(one, other)
    text = as_svg(merged, detail=detail, marks=marks)
    assert as_svg(merged, detail=detail, marks=marks) == text
    found = read_svg(text)
    assert overlaps(found) == []
    assert [pair for pair in found.texts if not pair[1].holds(pair[0])] == []
    unfolded = Unfolded(set(found.boxes), found.scopes)
    assert {unfolded.node(path) for path in merged} == set(found.boxes)
    assert set(found.edges) == unfolded.edges(merged)
    if detail is not Detail.OVERVIEW:
        check_signs(text, unfolded, merged, marks)
    for expand in (False, True):
        drawn = draw(merged, width=80, expand=expand, marks=marks).plain
        tree(merged, expand=expand, marks=marks)
        for path in marks.layers:
            assert path.rpartition(".")[2] in drawn


def check_signs(
    text: str, unfolded: Unfolded, merged: LayerGraph, marks: Marks
) -> None:
    looks = {
        group.attrib["id"]: [*group][1].attrib["class"]
        for group in parse(text).iter(f"{NS}g")
        if group.get("data-kind") in {"box", "sum"}
    }
    for path in merged:
        mark = marks.layers.get(path)
        look = "unchanged" if mark is None else mark.fate.name.lower()
        assert looks[unfolded.node(path)] == look, path


def titles(a: LayerGraph, b: LayerGraph) -> list[str]:
    """The titles of the frames of blocks."""
    root = parse(as_svg(merge_graphs(a, b), marks=marked(a, b)))
    return [
        str(group.findtext(f"{NS}text"))
        for group in root.iter(f"{NS}g")
        if group.get("data-kind") == "frame" and "blocks" in group.attrib["id"]
        if group.attrib["id"].count(".") == 1
    ]


def test_equal_blocks_with_equal_marks_are_one() -> None:
    small = {"num_classes": 10, "embed_dim": 12, "num_heads": 3}
    plain, deep = graph_of(depth=4, **small), graph_of(depth=7, **small)
    assert titles(plain, deep) == [f"blocks.0{TO}3 ×4", f"+ blocks.4{TO}6 ×3"]
    assert titles(deep, plain) == [f"blocks.0{TO}3 ×4", f"{MINUS} blocks.4{TO}6 ×3"]
    assert titles(plain, plain) == [f"blocks.0{TO}3 ×4"]
    dropping, more = (graph_of(depth=4, drop_path=p, **small) for p in (0.3, 0.6))
    for a, b in permutations((plain, dropping, more), 2):
        assert titles(a, b) == [f"~ blocks.0{TO}3 ×4"]
    # The first block has no drop path, and is not like those that are added.
    assert titles(graph_of(depth=1, **small), dropping) == [
        "blocks.0",
        f"+ blocks.1{TO}3 ×3",
    ]
    # The blocks read another layer than before, and are equal.
    early = graph_of(depth=4, position_embedding="patches", **small)
    assert titles(plain, early) == [f"blocks.0{TO}3 ×4"]


def test_other_layers_before_a_layer_of_both_are_branches() -> None:
    a = graph_of(depth=3, drop_path=0.2, layer_scale=0.1)
    b = graph_of(depth=3, drop_path=0.2, dropout=0.1)
    merged = merge_graphs(a, b)
    inputs = merged.inputs("blocks.1.drop_path1")
    assert inputs == ("blocks.1.attn.proj_drop", "blocks.1.ls1")
    assert titles(a, b) == ["~ blocks.0", f"~ blocks.1{TO}2 ×2"]


def test_a_rate_that_differs_from_block_to_block_is_a_range() -> None:
    a, b = (graph_of(depth=4, drop_path=rate) for rate in (0.3, 0.6))
    marks = marked(a, b)
    (mark,) = {marks.alike[f"blocks.{n}.drop_path1"] for n in (1, 2, 3)}
    assert mark == Mark(Fate.CHANGED, ("rate 0.1 to 0.3 → 0.2 to 0.6",))
    assert marks.layers["blocks.1.drop_path1"].changes == ("rate 0.1 → 0.2",)


def test_outputs_of_one_model_only_have_a_sign() -> None:
    small = {"embed_dim": 12, "num_heads": 3, "depth": 1, "num_classes": 3}
    a, b = graph_of(**small), graph_of(**small, teacher_num_classes=3)
    assert merge_graphs(a, b).outputs == {
        "~ logits → cls": "head",
        "+ dist": "head_dist",
    }
    back = merge_graphs(b, a)
    assert back.predict == "head"
    assert back.outputs == {
        "~ cls → logits": "head",
        f"{MINUS} dist": "head_dist",
        f"{MINUS} predict": "predict",
    }
