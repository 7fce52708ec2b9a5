"""Properties of every figure."""

from collections.abc import Callable

import pytest
from diagram.graphs_to_draw import (
    HAND_MADE,
    SIZES,
    graph_of,
    graphs,
    wired,
)
from diagram.reading import loose_ends, numbers, shapes_in
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.tree import Tree

from deit_spec.cost import Cost, costs, short, total
from deit_spec.diagram import as_svg, draw, tree
from deit_spec.diagram.boxes import shortened
from deit_spec.graph import LayerGraph
from deit_spec.ops import show


def check(graph: LayerGraph, width: int, *, expand: bool) -> None:
    """Check width, shapes, lines, totals, determinism and ASCII of a figure."""
    figure = draw(graph, width=width, expand=expand)
    lines = figure.plain.split("\n")
    assert max(map(cell_len, lines)) <= min(max(width, 80), 120)
    assert not [line for line in lines if line != line.rstrip()]
    shapes = {show(graph.shape(path)) for path in graph}
    tensors = {show(p.shape) for path in graph for p in graph.op(path).parameters}
    assert shapes_in(figure.plain) <= shapes | tensors
    assert loose_ends(figure.plain) == []
    stages, whole = numbers(figure)
    if shortened(total(graph).parameters)[-1].isdigit():
        assert stages == whole == total(graph).parameters
    again = draw(graph, width=width, expand=expand)
    assert again.plain == figure.plain
    assert again.spans == figure.spans
    plain = draw(graph, width=width, expand=expand, ascii_only=True).plain
    assert plain.isascii()
    assert [len(line) for line in plain.split("\n")] == [len(line) for line in lines]


@given(graphs(), st.integers(60, 140), st.booleans())
def test_every_spec(graph: LayerGraph, width: int, expand: bool) -> None:  # noqa: FBT001
    check(graph, width, expand=expand)


@given(graphs())
def test_every_layer_is_drawn(graph: LayerGraph) -> None:
    """An expanded figure contains the name of every layer."""
    text = draw(graph, width=120, expand=True).plain
    for path in graph:
        assert path.rpartition(".")[2] in text, path


@pytest.mark.parametrize("width", [60, 80, 100, 120])
@pytest.mark.parametrize("expand", [False, True])
@pytest.mark.parametrize("make", HAND_MADE.values(), ids=HAND_MADE)
def test_hand_made(make: Callable[[], LayerGraph], width: int, *, expand: bool) -> None:
    check(make(), width, expand=expand)


@pytest.mark.parametrize("make", HAND_MADE.values(), ids=HAND_MADE)
def test_every_output_is_named(make: Callable[[], LayerGraph]) -> None:
    graph = make()
    text = draw(graph, width=80, expand=True).plain
    for name in graph.outputs:
        assert name in text


@given(st.data())
def test_any_wiring(data: st.DataObject) -> None:
    """Layers with any earlier inputs: no line ends in nothing, no layer is missing."""
    graph = wired(data)
    check(graph, data.draw(st.sampled_from([80, 120])), expand=False)
    text = draw(graph, width=120).plain
    for path in graph:
        assert path.rpartition(".")[2] in text


@pytest.mark.parametrize(
    "name", ["[bold]red[/bold]", "日本語" * 30, "a\nb\x1b[31m", "é" * 64]
)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_name_is_plain_text(name: str, *, ascii_only: bool) -> None:
    graph = graph_of(depth=1, **SIZES)
    graph.network.graph["name"] = name
    figure = draw(graph, width=80, ascii_only=ascii_only)
    assert all(cell_len(line) <= 80 for line in figure.plain.split("\n"))
    assert "\x1b" not in figure.plain
    assert figure.plain.isascii() or not ascii_only
    assert "red" in figure.plain or "red" not in name
    label = tree(graph, ascii_only=ascii_only).label
    assert "[bold]" in str(label) or "bold" not in name


def test_a_removed_head_is_no_longer_drawn() -> None:
    graph = graph_of(num_classes=10, teacher_num_classes=10, **SIZES)
    graph.predict = None
    graph.outputs = {"cls": "head"}
    graph.network.remove_nodes_from(["predict", "head_dist", "read_dist"])
    assert "dist " not in draw(graph, width=80).plain.partition("blocks")[2]
    check(graph, 80, expand=False)


def test_a_prediction_that_is_an_output_is_named_there() -> None:
    graph = graph_of(num_classes=10, teacher_num_classes=9, fusion="dist", **SIZES)
    assert "dist, predict" in draw(graph, width=80).plain


def test_a_tap_of_one_of_several_equal_blocks_is_below_this_block() -> None:
    graph = graph_of(depth=6, taps=["blocks.2"], **SIZES)
    text = draw(graph, width=80).plain
    marks = ("blocks.0–2 ×3", "▶ blocks.2\n", "blocks.3–5 ×3")  # noqa: RUF001
    places = [text.find(mark) for mark in marks]
    assert -1 not in places
    assert places == sorted(places)
    graph = graph_of(depth=6, taps=["blocks.*"], **SIZES)
    assert "▶ blocks.0–5\n" in draw(graph, width=80).plain  # noqa: RUF001


def test_a_scope_has_the_shape_of_what_is_read_first() -> None:
    """Not that of the keys or the sizes of tokens, which are read later."""
    graph = graph_of(depth=2, merge_tokens=3, taps=["blocks.*.attn.weights"], **SIZES)
    (blocks,) = (each for each in tree(graph).children if "blocks" in str(each.label))
    for index, block in enumerate(blocks.children):
        attention = block.children[1]
        for each, name in ((block, "add2"), (attention, "attn.proj")):
            shape = show(graph.shape(f"blocks.{index}.{name}"))
            assert shape in str(each.label)
    assert "▶⊕ add1" in draw(graph, width=80).plain


def test_deep_models_draw_in_few_lines() -> None:
    """Equal blocks are drawn once."""
    graph = graph_of(depth=300, **SIZES)
    figure = draw(graph, width=80).plain
    assert "blocks.0–299 ×300" in figure  # noqa: RUF001
    assert figure.count("\n") < 100


def test_equal_blocks_with_fewer_and_fewer_tokens_have_ranges() -> None:
    """Costs and sizes that differ are ranges, and the sum of the blocks is a total."""
    graph = graph_of(depth=5, merge_tokens=[3, 2, 2, 1, 1], **SIZES)
    layers = costs(graph)

    def cost(scope: str) -> Cost:
        inside = (layers[path] for path in graph if path.startswith(f"{scope}."))
        return sum(inside, Cost())

    blocks = [cost(f"blocks.{index}") for index in range(1, 4)]
    whole = sum(blocks, Cost())
    ends = [short(block.macs).split(" ") for block in (blocks[0], blocks[-1])]
    assert ends[0][1] == ends[1][1]
    macs = f"{ends[0][0]}…{ends[1][0]} {ends[1][1]}"
    figure = draw(graph, width=80).plain
    assert f"{blocks[0].parameters:,} {macs}" in " ".join(figure.split())
    (line,) = (line for line in figure.split("\n") if "in total" in line)
    assert line.split()[-3:] == [f"{whole.parameters:,}", *short(whole.macs).split()]
    assert "× 3 =" not in figure
    assert "from blocks.0–2.sizes" in figure  # noqa: RUF001
    branches = " ".join(_labels(tree(graph)))
    svg = as_svg(graph)
    assert f"{short(whole.macs)} MACs in total" in svg
    for text in (figure, branches, svg):
        assert "match 2 … 1 most similar pairs" in text
        assert "N=15…11, C=768]" in text
        assert "N=13…10, C=768]" in text
        first, last = (short(cost(f"blocks.{n}.attn").macs) for n in (1, 3))
        assert first != last
    assert f"{first.split()[0]}…{last} MACs" in branches


def _labels(branch: Tree) -> list[str]:
    found = [str(branch.label)]
    for each in branch.children:
        found += _labels(each)
    return found
