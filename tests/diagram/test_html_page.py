"""The page of a figure: what it contains, and how it behaves in a browser."""

import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from diagram.graphs_to_draw import SIZES, graph_of, graphs
from hypothesis import given, settings
from support.browser import DESKTOP, PHONE, lowest_contrast, opened

from deit_spec.cost import Dtype, Memory, costs, short_bytes, total
from deit_spec.diagram import (
    Detail,
    Heat,
    Quantity,
    as_html,
    as_svg,
    computed_heat,
)
from deit_spec.graph import LayerGraph
from deit_spec.ops import show

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CLASSES = {"num_classes": 10, "teacher_num_classes": 10}
MODEL = {"depth": 4, "embed_dim": 12, "num_heads": 3, "name": "tiny", **CLASSES}
MOST_SCRIPT = 25_000


def tiny() -> LayerGraph:
    return graph_of(**SIZES, **MODEL)


def test_the_script_is_small() -> None:
    script = files("deit_spec.diagram").joinpath("html_page.js").read_bytes()
    assert len(script) <= MOST_SCRIPT
    assert as_html(tiny()).count(script.decode()) == 1


class Reader(HTMLParser):
    """Collects the rows of the table, and what a document would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.scripts = 0
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.in_table = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.scripts += tag == "script"
        self.in_table = self.in_table or tag == "tbody"
        if self.in_table and tag == "tr":
            self.rows.append([])
        elif self.in_table and tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self.in_table = self.in_table and tag != "tbody"

    def handle_data(self, data: str) -> None:
        if self.in_table and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


@settings(max_examples=10)
@given(graphs())
def test_the_table_has_every_layer_and_edge(graph: LayerGraph) -> None:
    text = as_html(graph)
    assert as_html(graph) == text
    found, kept = costs(graph), computed_heat(graph, Quantity.ACTIVATIONS).values
    rows = Reader(text).rows
    assert [row[:7] for row in rows] == [
        [
            path,
            row[1],
            show(graph.shape(path)),
            f"{found[path].parameters:,}",
            f"{found[path].macs:,}",
            f"{kept[path]:,}" if path in kept else "",
            " ".join(graph.inputs(path)),
        ]
        for path, row in zip(graph.order(), rows, strict=True)
    ]
    assert all(graph.op(row[0]).summary in row[1] for row in rows)


HOSTILE = "</script></title><img src=x onerror=alert(1)><!--\"'&\x1b[31m"


def test_text_of_a_model_is_not_markup() -> None:
    graph = tiny()
    plain = Reader(as_html(graph, heat=Heat("h", {"head": 1.0}, False, str)))  # noqa: FBT003
    graph.network.graph["name"] = HOSTILE
    heat = Heat(HOSTILE, {"head": 1.0}, False, str)  # noqa: FBT003
    text = as_html(graph, heat=heat)
    found = Reader(text)
    assert "\x1b" not in text
    assert (found.scripts, found.tags) == (1, plain.tags)
    assert found.attributes == plain.attributes
    assert not {"src", "onerror", "style"} & found.attributes


def test_the_policy_allows_only_the_script_and_the_styles() -> None:
    text = as_html(tiny())
    (policy,) = re.findall(r'Security-Policy" content="([^"]*)"', text)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "tiny.html"
    path.write_text(as_html(tiny()), encoding="utf-8")
    return path.as_uri()


SCREENS = [
    {"color_scheme": scheme, "viewport": size}
    for scheme in ("light", "dark")
    for size in (PHONE, DESKTOP)
]


def visible_nodes(page: "Page") -> set[str]:
    return set(
        page.eval_on_selector_all(
            "#page-figure g[tabindex]:not([hidden])", "all => all.map(g => g.id)"
        )
    )


def focused(page: "Page") -> str:
    return str(page.evaluate("document.activeElement.id"))


def has_no_overflow(page: "Page") -> bool:
    widths = "[document.documentElement.scrollWidth, innerWidth]"
    needed, room = page.evaluate(widths)
    return bool(needed <= room)


def press(page: "Page", *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


@pytest.mark.slow
@pytest.mark.parametrize("screen", SCREENS)
def test_folding(browser: "Browser", address: str, screen: dict[str, object]) -> None:
    blocks = {"blocks.0", "blocks.0.attn", "blocks.0.attn.qkv"}
    with opened(browser, address, **screen) as page:
        first = visible_nodes(page)
        assert blocks <= first
        assert "blocks.1" not in first
        assert has_no_overflow(page)
        page.click('[id="blocks.0"] .pill:visible')
        every = visible_nodes(page)
        assert {f"blocks.{k}.attn.qkv" for k in range(4)} <= every
        page.click('[id="blocks.2.attn"] .handle')
        without = visible_nodes(page)
        assert "blocks.2.attn" in without
        inside = {path for path in every if path.startswith("blocks.2.attn.")}
        assert without == every - inside
        page.click("text=Stages")
        stages = visible_nodes(page)
        assert "blocks.0" in stages
        assert not any(path.count(".") for path in stages - {"blocks.0"})
        page.click('[id="blocks.0"] .handle')
        page.click('[id="patch_embed"] .handle')
        assert visible_nodes(page) == first
        page.click("text=Full")
        assert visible_nodes(page) == every
        assert has_no_overflow(page)
        page.click("summary")
        assert has_no_overflow(page)


@pytest.mark.slow
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_keyboard(browser: "Browser", address: str, size: dict[str, int]) -> None:
    path = "blocks.3.attn.qkv"
    with opened(browser, address, viewport=size) as page:
        press(page, "/")
        page.keyboard.type(path)
        assert page.inner_text("#page-results li >> nth=0") == path
        press(page, "Enter")
        assert focused(page) == path
        assert page.is_visible(f'[id="{path}"]')
        press(page, "Enter")
        assert page.is_visible("#page-card")
        assert page.inner_text("#page-card h2") == path
        press(page, "ArrowDown")
        assert page.inner_text("#page-card h2") == "blocks.3.attn.split"
        press(page, "Tab")
        assert focused(page) == "blocks.3.attn.q"
        press(page, "Escape")
        assert not page.is_visible("#page-card")
        assert focused(page) == "blocks.3.attn.split"
        press(page, "ArrowLeft", "ArrowLeft")
        assert focused(page) == "blocks.3.attn"
        assert path not in visible_nodes(page)
        press(page, "ArrowRight", "ArrowRight")
        assert focused(page) == path
        press(page, "a")
        assert focused(page) == "blocks.0"
        assert path not in visible_nodes(page)
        press(page, "?")
        assert page.is_visible("dialog")
        press(page, "Escape")
        assert not page.is_visible("dialog")
        press(page, "1")
        assert "blocks.0.norm1" not in visible_nodes(page)


def facts(page: "Page") -> dict[str, str]:
    """The card of the focused layer."""
    press(page, "Enter")
    terms = page.eval_on_selector_all(
        "#page-card dt", "all => all.map(e => e.innerText)"
    )
    values = page.eval_on_selector_all(
        "#page-card dd", "all => all.map(e => e.innerText)"
    )
    press(page, "Escape")
    return dict(zip(terms, values, strict=True))


@pytest.mark.slow
def test_cards_have_the_numbers_of_the_graph(browser: "Browser", address: str) -> None:
    graph = tiny()
    found, kept = costs(graph), Memory(graph, 1, Dtype.FLOAT32).kept()
    with opened(browser, address, viewport=DESKTOP) as page:
        press(page, "3")
        page.focus('[id="images"]')
        for path in (
            "blocks.1.mlp.fc1",
            "blocks.3.attn.sdpa",
            "pos_embed",
            "head_dist",
        ):
            page.focus(f'[id="{path}"]')
            card = facts(page)
            size = kept[path]
            assert graph.op(path).summary in card["operation"]
            assert card["output"] == show(graph.shape(path))
            assert card["parameters"] == f"{found[path].parameters:,}"
            assert card["MACs per image"] == f"{found[path].macs:,}"
            shown = f"{size:,}" + (f" ({short_bytes(size)})" if size >= 1024 else "")
            assert card["bytes kept for training, one image"] == shown
            assert card.get("reads", "").split() == [*graph.inputs(path)]
        page.focus('[id="blocks.2"]')
        inside = [each for path, each in found.items() if path.startswith("blocks.2.")]
        parameters = sum(each.parameters for each in inside)
        card = facts(page)
        assert card["parameters"] == f"{parameters:,}"
        assert card["MACs per image"] == f"{sum(each.macs for each in inside):,}"
        press(page, "2")
        page.focus('[id="blocks.0"]')
        card = facts(page)
        assert card["equal"] == "4: blocks.0 … blocks.3"
        assert card["parameters"] == (
            f"{parameters:,} each, {4 * parameters:,} in total"
        )
        assert f"{total(graph).parameters:,}" in page.inner_text("header")


@pytest.mark.slow
def test_heat(browser: "Browser", tmp_path: Path) -> None:
    """The colours of the page are those of the figure, and a file adds a choice."""
    graph, path = tiny(), tmp_path / "tiny.html"
    values = {"blocks.1": 0.9, "head": 0.1, "norm": -0.2}
    heat = Heat("sparsity", values, False, str)  # noqa: FBT003
    path.write_text(as_html(graph, heat=heat), encoding="utf-8")
    looks = """all => all.map(g => [g.id, [...g.querySelectorAll("rect, circle")]
        .find(shape => !shape.closest("[hidden]")).getAttribute("class")])"""
    with opened(browser, path.as_uri(), viewport=DESKTOP) as page:
        assert page.input_value("#page-heat") == "file"
        for name in ("file", "parameters", "macs", "activations"):
            page.select_option("#page-heat", name)
            shown = heat if name == "file" else computed_heat(graph, Quantity(name))
            for detail, button in ((Detail.OVERVIEW, "Stages"), (Detail.FULL, "Full")):
                page.click(f"text={button}")
                found = dict(
                    page.eval_on_selector_all("g[tabindex]:not([hidden])", looks)
                )
                figure = as_svg(graph, detail=detail, heat=shown)
                expected = re.findall(
                    r'<g id="([^"]+)"[^>]*>\s*<title>[^<]*</title>\s*'
                    r'<(?:rect|circle) class="(\w+)"',
                    figure,
                )
                assert found == dict(expected), (name, detail)
                legend = page.inner_text("#page-legend")
                assert shown.title in legend
                for text in re.findall(r">(≤ [^<]*)<", figure):
                    assert name == "file" or text in legend


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(browser: "Browser", tmp_path: Path, scheme: str) -> None:
    graph = tiny()
    path = tmp_path / "tiny.html"
    heat = Heat("sparsity", {"blocks.1": 0.9, "head": 0.1}, False, str)  # noqa: FBT003
    path.write_text(as_html(graph, heat=heat), encoding="utf-8")
    screen = {"color_scheme": scheme, "viewport": DESKTOP}
    with opened(browser, path.as_uri(), **screen) as page:
        page.click("summary")
        for name in ("", "file", "macs", "activations", "parameters"):
            page.select_option("#page-heat", name)
            for button in ("Stages", "Blocks", "Full"):
                page.click(f"text={button}")
                page.click("[id=norm]")
                assert lowest_contrast(page) >= (4.5, {}), name
        page.fill("input", "qkv")
        assert lowest_contrast(page) >= (4.5, {})
        press(page, "Escape", "?")
        assert lowest_contrast(page) >= (4.5, {})
    for number in (None, *(computed_heat(graph, each) for each in Quantity)):
        path = tmp_path / "tiny.svg"
        path.write_text(as_svg(graph, heat=number), encoding="utf-8")
        with opened(browser, path.as_uri(), **screen) as page:
            assert lowest_contrast(page) >= (4.5, {})


@pytest.mark.slow
@pytest.mark.parametrize("screen", SCREENS)
def test_without_a_script(
    browser: "Browser", address: str, screen: dict[str, object]
) -> None:
    with opened(browser, address, java_script_enabled=False, **screen) as page:
        assert page.is_visible('svg[role="img"] text:has-text("blocks.0–3 ×4")')  # noqa: RUF001
        assert not page.is_visible("#page-tools")
        page.click("summary")
        assert page.is_visible("th >> text=blocks.3.attn.qkv")
