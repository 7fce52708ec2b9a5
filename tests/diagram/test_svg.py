"""Properties of every vector figure, and of the text formats of other tools."""

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from diagram.graphs_to_draw import (
    HAND_MADE,
    SIZES,
    TINY,
    graph_of,
    graphs,
    wired,
)
from diagram.reading_svg import (
    NS,
    Unfolded,
    crossings,
    overlaps,
    parse,
    read_svg,
    shared,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_regressions.file_regression import FileRegressionFixture

from deit_spec.diagram import (
    Detail,
    Quantity,
    as_d2,
    as_dot,
    as_mermaid,
    as_svg,
    computed_heat,
)
from deit_spec.diagram.palette import _INK, FAMILIES, HEAT, MARKED
from deit_spec.graph import LayerGraph

WIDTHS = st.sampled_from([None, 84.0, 174.0])


def check(
    graph: LayerGraph,
    detail: Detail,
    millimetres: float | None,
    *,
    legible: bool = True,
) -> None:
    """Check the places of boxes, texts and lines, and that nothing is missing.

    In a `legible` figure, no lines of two values run over each other, or over a text.
    """
    text = as_svg(graph, detail=detail, millimetres=millimetres)
    assert as_svg(graph, detail=detail, millimetres=millimetres) == text
    found = read_svg(text)
    assert overlaps(found) == []
    assert [pair for pair in found.texts if not pair[1].holds(pair[0])] == []
    assert all(found.page.holds(box) for box in found.boxes.values())
    assert crossings(found, texts=legible) == []
    assert not legible or shared(found) == []
    for source, target, points in found.ends:
        assert found.boxes[source].touches(*points[0]) or not named(graph, source)
        if target in found.boxes:
            assert found.boxes[target].touches(*points[-1])
    drawn = Unfolded(set(found.boxes), found.scopes)
    assert {drawn.node(path) for path in graph} == set(found.boxes)
    assert len(found.edges) == len(set(found.edges))
    assert set(found.edges) == drawn.edges(graph)


def named(graph: LayerGraph, path: str) -> bool:
    """Whether lines from a layer start at the layer, not below its name."""
    return path not in graph.outputs.values()


@settings(max_examples=30)
@given(graphs(), st.sampled_from(Detail), WIDTHS)
def test_every_spec(graph: LayerGraph, detail: Detail, width: float | None) -> None:
    check(graph, detail, width)


@pytest.mark.parametrize("detail", Detail)
@pytest.mark.parametrize("make", HAND_MADE.values(), ids=HAND_MADE)
def test_hand_made(make: Callable[[], LayerGraph], detail: Detail) -> None:
    check(make(), detail, 84.0)


@settings(max_examples=30)
@given(st.data())
def test_any_wiring(data: st.DataObject) -> None:
    detail, width = data.draw(st.sampled_from(Detail)), data.draw(WIDTHS)
    check(wired(data), detail, width, legible=False)


@settings(max_examples=60, derandomize=True)
@given(st.data())
def test_some_wirings_are_legible(data: st.DataObject) -> None:
    """Almost all are; the examples are the same ones in every run."""
    check(wired(data), data.draw(st.sampled_from(Detail)), data.draw(WIDTHS))


def test_a_full_figure_has_the_path_of_every_layer_as_an_id() -> None:
    graph = graph_of(**TINY)
    found = read_svg(as_svg(graph, detail=Detail.FULL))
    assert set(found.boxes) == set(graph)
    assert set(found.edges) == set(graph.network.edges)


def test_the_document_describes_itself() -> None:
    root = parse(as_svg(graph_of(**TINY), millimetres=84))
    assert root.get("role") == "img"
    assert root.get("width") == "84mm"
    title, desc = root.find(f"{NS}title"), root.find(f"{NS}desc")
    assert title is not None
    assert title.text == "tiny, train, 224×224 pixels, 3 channels"
    assert desc is not None
    assert "parameters" in (desc.text or "")
    for group in root.iter(f"{NS}g"):
        if "id" in group.attrib:
            assert group.find(f"{NS}title") is not None
    kinds = {g.get("data-kind"): g for g in root.iter(f"{NS}g")}
    widths = {
        kind: [float(p.get("stroke-width", 0)) for p in kinds[kind].iter(f"{NS}path")]
        for kind in ("flow", "residual")
    }
    assert max(widths["residual"]) > max(widths["flow"])


def test_all_colours_stand_without_css() -> None:
    """Presentation attributes are for print; the style is for dark pages only."""
    root = parse(as_svg(graph_of(**TINY)))
    style = root.find(f"{NS}style")
    assert style is not None
    assert (style.text or "").startswith("@media (prefers-color-scheme:dark){")
    for shape in root.iter():
        if shape.tag in {f"{NS}{tag}" for tag in ("rect", "circle", "path", "text")}:
            assert "fill" in shape.attrib
            assert f".{shape.attrib['class']}{{" in (style.text or "")


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def test_text_has_contrast_on_light_and_on_dark_pages() -> None:
    looks = FAMILIES | HEAT | MARKED
    fills = [(light, dark) for light, _, dark, _ in looks.values()]
    fills.append(_INK["page"][1:])
    texts = [_INK[style][1:] for style in ("name", "words", "shape", "note")]
    for fill, text in product(fills, texts):
        for page in (0, 1):
            assert contrast(fill[page], text[page]) >= 4.5, (fill, text)


@pytest.mark.parametrize("quantity", Quantity)
@pytest.mark.parametrize("detail", Detail)
def test_heat_marks_the_most(quantity: Quantity, detail: Detail) -> None:
    graph = graph_of(**TINY)
    heat = computed_heat(graph, quantity)
    root = parse(as_svg(graph, detail=detail, heat=heat))
    looks = {
        group.attrib["id"]: rect.attrib["class"]
        for group in root.iter(f"{NS}g")
        if group.get("data-kind") == "box"
        for rect in group.findall(f"{NS}rect")
    }
    assert set(looks.values()) <= set(HEAT)
    most = max(heat.values, key=lambda path: heat.values[path])
    hottest = [path for path, look in looks.items() if look == "heat5"]
    assert hottest
    if detail is Detail.FULL:
        assert most in hottest
    legend = [*root.iter(f"{NS}text")][-1].text or ""
    assert legend.startswith("≤ ")
    assert heat.title in "".join(root.itertext())


@pytest.mark.parametrize("name", ["<&\"'>", "日本語" * 30, "a\nb\x1b[31m\x00"])
def test_a_name_is_plain_text(name: str) -> None:
    graph = graph_of(**TINY)
    graph.network.graph["name"] = name
    found = read_svg(as_svg(graph, millimetres=84))
    assert [pair for pair in found.texts if not pair[1].holds(pair[0])] == []
    for write in (as_mermaid, as_dot, as_d2):
        assert "\x1b" not in write(graph)


def read_mermaid(text: str) -> tuple[set[str], list[tuple[str, str]]]:
    nodes = set(re.findall(r'^ *([\w.]+)\["[^"]*"\]:::\w+$', text, re.MULTILINE))
    edges = re.findall(r"^ *([\w.]+) (?:-->|-\.->) ([\w.]+)$", text, re.MULTILINE)
    return nodes, edges


def read_dot(text: str) -> tuple[set[str], list[tuple[str, str]]]:
    nodes = set(re.findall(r'^ *"([\w.]+)" \[label=', text, re.MULTILINE))
    edges = re.findall(r'^ *"([\w.]+)" -> "([\w.]+)"', text, re.MULTILINE)
    return nodes, edges


def read_d2(text: str) -> tuple[set[str], list[tuple[str, str]]]:
    def path(key: str) -> str:
        return key.replace('"', "")

    nodes, above = set(), [""]
    for line in text.splitlines():
        if opened := re.fullmatch(r' *"([\w.]+)": ".*" \{', line):
            above.append(".".join(filter(None, (above[-1], opened[1]))))
        elif re.match(r" *style: ", line):
            nodes.add(above[-1])
        elif line.strip() == "}":
            above.pop()
    pairs = re.findall(r'^("[\w.".]+") -> ("[\w.".]+")(?::.*)?$', text, re.MULTILINE)
    return nodes, [(path(source), path(target)) for source, target in pairs]


WRITERS = {as_mermaid: read_mermaid, as_dot: read_dot, as_d2: read_d2}


@settings(max_examples=15)
@given(graphs(), st.sampled_from(Detail))
def test_text_formats_have_every_node_and_edge(
    graph: LayerGraph, detail: Detail
) -> None:
    figure = read_svg(as_svg(graph, detail=detail))
    for write, read in WRITERS.items():
        text = write(graph, detail)
        assert write(graph, detail) == text
        nodes, edges = read(text)
        assert nodes == set(figure.boxes), write
        assert len(edges) == len(set(edges))
        assert set(edges) == set(figure.edges), write
        for name in (*graph.outputs, *graph.taps):
            assert name.split(".")[0] in text


@pytest.mark.parametrize("detail", Detail)
def test_tiny_svg(detail: Detail, file_regression: FileRegressionFixture) -> None:
    graph = graph_of(**TINY, **SIZES, num_classes=10, teacher_num_classes=10)
    text = as_svg(graph, detail=detail, millimetres=84)
    file_regression.check(text, extension=".svg", encoding="utf-8")


@pytest.mark.parametrize(
    ("write", "extension"), [(as_mermaid, ".mmd"), (as_dot, ".dot"), (as_d2, ".d2")]
)
def test_tiny_text(
    write: Callable[[LayerGraph], str],
    extension: str,
    file_regression: FileRegressionFixture,
) -> None:
    graph = graph_of(**TINY, **SIZES, num_classes=10, teacher_num_classes=10)
    file_regression.check(write(graph), extension=extension, encoding="utf-8")


FIGURES = Path(__file__).parents[2] / "docs" / "figures"


@pytest.mark.parametrize(
    ("name", "detail", "quantity"),
    [
        ("base-overview", Detail.OVERVIEW, None),
        ("base", Detail.BLOCK, None),
        ("base-macs", Detail.BLOCK, Quantity.MACS),
    ],
)
def test_the_figures_of_the_documentation(
    name: str,
    detail: Detail,
    quantity: Quantity | None,
    file_regression: FileRegressionFixture,
) -> None:
    graph = graph_of(name="base", num_classes=1000, teacher_num_classes=1000)
    heat = None if quantity is None else computed_heat(graph, quantity)
    text = as_svg(graph, detail=detail, heat=heat)
    path = FIGURES / f"{name}.svg"
    file_regression.check(text, fullpath=path, encoding="utf-8")
