"""The page of two models, in a browser."""

from typing import TYPE_CHECKING

import pytest
from diagram.graphs_to_draw import SIZES, graph_of
from support.browser import DESKTOP, PHONE, lowest_contrast, opened

from deit_spec.compare import compare_graphs, mark_layers, merge_graphs
from deit_spec.diagram import Marks, as_html
from deit_spec.graph import LayerGraph

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SMALL = {**SIZES, "embed_dim": 12, "num_heads": 3, "num_classes": 10}
LOOKS = """all => Object.fromEntries(all.map(g => [g.id, [
    ...g.querySelectorAll("rect, circle")
].find(shape => !shape.closest("[hidden]")).getAttribute("class")]))"""
NODES = "#page-figure g[tabindex]:not([hidden], [hidden] *)"


def two_graphs() -> tuple[LayerGraph, Marks]:
    """Layers of all marks: a second head, other sizes, and blocks that are removed."""
    a = graph_of(name="a", depth=5, dropout=0.1, **SMALL)
    fewer = SMALL | {"embed_dim": 24, "teacher_num_classes": 10}
    b = graph_of(name="b", depth=3, **fewer)
    return merge_graphs(a, b), mark_layers(compare_graphs(a, b), a, b)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    graph, marks = two_graphs()
    path = tmp_path_factory.mktemp("page") / "a.html"
    path.write_text(as_html(graph, marks=marks), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_marks_in_a_browser(
    browser: "Browser", address: str, size: dict[str, int], scheme: str
) -> None:
    """Nodes and folded scopes have the colours of their marks, and are legible."""
    graph, marks = two_graphs()
    with opened(browser, address, viewport=size, color_scheme=scheme) as page:
        legend = {*page.inner_text("#page-legend").split()}
        assert legend == {"unchanged", "changed", "added", "removed"}
        for key, names in (("3", [*graph]), ("2", ["norm", "blocks.0.attn.qkv"])):
            page.keyboard.press(key)
            looks = page.eval_on_selector_all(NODES, LOOKS)
            for path in names:
                mark = marks.layers.get(path)
                look = "unchanged" if mark is None else mark.fate.name.lower()
                assert looks[path] == look, path
            worst, where = lowest_contrast(page)
            assert worst >= 4.5, where
        page.keyboard.press("1")
        looks = page.eval_on_selector_all(NODES, LOOKS)
        stages = {path: looks[path] for path in looks if path.startswith("blocks")}
        assert stages == {"blocks.0": "changed", "blocks.3": "removed"}
        worst, where = lowest_contrast(page)
        assert worst >= 4.5, where
        page.fill("#page-search input", "removed pos_drop")
        assert page.inner_text("#page-results li") == "pos_drop"


def test_the_card_of_a_layer_says_what_changed(
    browser: "Browser", address: str
) -> None:
    _, marks = two_graphs()
    with opened(browser, address, viewport=DESKTOP) as page:
        page.keyboard.press("3")
        page.focus('[id="blocks.1.norm1"]')
        page.keyboard.press("Enter")
        card = page.inner_text("#page-card")
        mark = marks.layers["blocks.1.norm1"]
        assert f"LayerNorm; {mark}" in card
        assert "C 12 → 24" in str(mark)
        assert "18 parameters" not in card
