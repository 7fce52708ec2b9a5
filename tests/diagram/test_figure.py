"""Properties of every figure."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from diagram.graphs_to_draw import HAND_MADE, STD, C, finished, graph_of, images
from diagram.reading import loose_ends, numbers, shapes_in
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from deit_spec.cost import total
from deit_spec.diagram import as_json, draw, tree
from deit_spec.diagram.boxes import shortened
from deit_spec.graph import LayerGraph, Target
from deit_spec.ops import Add, Dim, JoinTokens, Linear, Table, show

SIZES = {"image_size": 32, "patch_size": 8}
TAPS = ("blocks.*", "blocks.0", "blocks.0.attn.weights", "blocks.*.attn.q", "norm")


@st.composite
def graphs(drawn: st.DrawFn) -> LayerGraph:
    classes = drawn(st.sampled_from([None, 1, 1000, 10**9]))
    distilled = drawn(st.booleans())
    teachers = classes if distilled and drawn(st.booleans()) else None
    fields: dict[str, Any] = {
        "depth": drawn(st.integers(1, 6)),
        "embed_dim": drawn(st.sampled_from([1, 12, 768, 1_048_576])),
        "num_heads": 1,
        "dropout": drawn(st.sampled_from([0.0, 0.1])),
        "num_classes": classes,
        "teacher_num_classes": teachers,
        "distillation_token": distilled,
        "position_embedding": drawn(st.sampled_from(["all", "patches"])),
        "layer_scale": drawn(st.sampled_from([None, 1e-5])),
        "drop_path": drawn(st.sampled_from([0.0, 0.2])),
        "fusion": drawn(
            st.sampled_from(["mean_logits", "mean_softmax", "cls", "dist"])
        ),
        "merge_tokens": drawn(st.sampled_from([0, 0, 3])),
        "taps": drawn(st.lists(st.sampled_from(TAPS), max_size=2)),
    }
    if distilled:
        fields["readout"] = drawn(st.sampled_from(["cls", "mean_tokens"]))
    return graph_of(drawn(st.sampled_from(Target)), **SIZES, **fields)


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
    assert json.loads(json.dumps(as_json(graph))) == as_json(graph)


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


def wired(data: st.DataObject) -> LayerGraph:
    graph = LayerGraph("wired", "0")
    made = [images(graph)]
    scopes = st.sampled_from(["", "left.", "left.", "right."])
    scope = ""
    flat: set[str] = set()
    for index in range(data.draw(st.integers(1, 12))):
        if data.draw(st.integers(0, 3)) == 0:
            scope = data.draw(scopes) and f"scope{index}."
        kind = data.draw(st.sampled_from(["linear", "linear", "add", "add", "table"]))
        path = f"{scope}{kind}{index}"
        if kind == "table":
            made.append(graph.add(path, Table(Dim(16, "P"), C, STD)))
            flat.add(path)
            continue
        sources = data.draw(
            st.lists(st.sampled_from(made), min_size=2, max_size=2, unique=True)
            if kind == "add" and len(made) > 1
            else st.lists(st.sampled_from(made), min_size=1, max_size=1)
        )
        sources.sort(key=flat.__contains__)
        if flat.issuperset(sources):
            flat.add(path)
        op = Linear(C, C, STD) if len(sources) == 1 else Add()
        made.append(graph.add(path, op, sources))
    ends = [path for path in made if not graph.readers(path)]
    join = JoinTokens(Dim(16 * len(ends)))
    outputs = {"joined": graph.add("join", join, ends)}
    extra = data.draw(st.lists(st.sampled_from(made), max_size=2, unique=True))
    outputs |= {f"extra{index}": path for index, path in enumerate(extra)}
    return finished(graph, outputs)


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


def test_deep_models_draw_in_few_lines() -> None:
    """Equal blocks are drawn once."""
    graph = graph_of(depth=300, **SIZES)
    figure = draw(graph, width=80).plain
    assert "blocks.0–299 ×300" in figure  # noqa: RUF001
    assert figure.count("\n") < 100
