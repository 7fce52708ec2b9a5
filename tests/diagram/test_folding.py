"""The figure of a page, with any of its scopes folded and its runs unfolded."""

import re
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from diagram.graphs_to_draw import HAND_MADE, graphs, wired
from diagram.reading_svg import Rect, Unfolded, numbers
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support.browser import opened

from deit_spec.diagram import as_html
from deit_spec.diagram.zero_rates import with_zero_rates
from deit_spec.graph import LayerGraph

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STATE = """() => {
  const isShown = (element) => !element.closest("[hidden]");
  const figure = document.querySelector("#page-figure");
  const nodes = [...figure.querySelectorAll("g[data-kind]:not([data-to], [data-kind=folded])")];
  return {
    nodes: nodes.filter(isShown).map((g) => {
      const shape = [...g.querySelectorAll("rect, circle")].find(isShown);
      const size = (name) => Number(shape?.getAttribute(name) ?? 0);
      return {
        path: g.id || g.dataset.of, kind: g.dataset.kind, inside: g.dataset.in,
        isFolded: g.getAttribute("aria-expanded") === "false",
        place: g.getAttribute("transform"), from: g.dataset.from ?? "",
        width: size("width") || 2 * size("r"), height: size("height") || 2 * size("r"),
      };
    }),
    members: nodes.filter((g) => g.dataset.run).map((g) => [g.id, g.dataset.run, isShown(g)]),
    lines: [...figure.querySelectorAll("g[data-to]")].filter(isShown).map((g) => ({
      source: g.dataset.from, target: g.dataset.to,
      path: g.children[0].getAttribute("d"),
      head: isShown(g.children[1]) ? g.children[1].getAttribute("d") : null,
    })),
  };
}"""  # noqa: E501  -- JavaScript
BUTTONS = "#page-figure g:not([hidden]) > :is(.handle, .pill):not([hidden])"
NAME_HEIGHT = 17.0


@dataclass
class Shown:
    """What is shown: the boxes by path, the frames, and the names of outputs."""

    page: "Page"

    def __post_init__(self) -> None:
        found: dict[str, Any] = self.page.evaluate(STATE)
        self.rects: dict[str, Rect] = {}
        self.boxes: set[str] = set()
        self.names: set[str] = set()
        self.around: dict[str, str] = {}
        self.listed: list[tuple[str, str]] = []
        for node in found["nodes"]:
            path, (x, y) = node["path"], numbers(node["place"])
            if node["kind"] == "unused":
                continue
            height = node["height"]
            if node["kind"] == "output":
                height = NAME_HEIGHT
                self.names.add(path)
            self.rects[path] = Rect(x, y, x + node["width"], y + height)
            if node["kind"] in {"box", "sum"} or node["isFolded"]:
                self.boxes.add(path)
            if node["inside"] and node["kind"] != "output":
                self.around[path] = node["inside"]
            self.listed += [(source, path) for source in node["from"].split()]
        runs: dict[str, list[tuple[str, bool]]] = {}
        for path, run, is_shown in found["members"]:
            runs.setdefault(run, []).append((path, is_shown))
        self.runs = {
            run: [path for path, _ in members]
            for run, members in runs.items()
            if members[0][1] and not members[1][1]
        }
        """The runs that are shown as one."""
        self.lines = found["lines"]
        self.unfolded = Unfolded(self.boxes, self.runs)

    def check(self, graph: LayerGraph) -> None:
        """Check the places, and that every layer and every edge is shown."""
        boxes = [(path, self.rects[path]) for path in sorted(self.boxes)]
        overlaps = [
            pair for pair in combinations(boxes, 2) if pair[0][1].overlaps(pair[1][1])
        ]
        assert overlaps == []
        for path, frame in self.around.items():
            assert self.rects[frame].holds(self.rects[path]), (path, frame)
        assert {self.unfolded.node(path) for path in graph} == self.boxes
        edges = [self.check_line(line) for line in self.lines]
        found = [edge for edge in edges if edge is not None]
        assert len({line["path"] for line in self.lines}) == len(self.lines)
        node = self.unfolded.node
        listed = {(node(source), node(target)) for source, target in self.listed}
        shown = {(one, two) for one, two in {*found} | listed if one != two}
        assert shown == self.unfolded.edges(graph)

    def check_line(self, line: dict[str, str]) -> tuple[str, str] | None:
        """Check that a line is attached at both ends; return its edge."""
        node = self.unfolded.node
        source, target = node(line["source"]), line["target"]
        points = numbers(line["path"])
        frames = [
            self.rects[run]
            for run, members in self.runs.items()
            if line["source"].startswith(tuple(f"{path}." for path in members))
        ]
        ends = [
            y
            for y in (self.rects[name].y1 for name in self.names)
            if abs(y - points[1]) < 0.1
        ]
        starts = [self.rects[source], *frames]
        assert ends or any(rect.touches(*points[:2]) for rect in starts), line
        if line["head"] is None:  # ends at the frame of a run
            assert any(rect.touches(*points[-2:]) for rect in frames), line
            return None
        if target in self.names:
            return None
        tip = numbers(re.findall(r"M([^A-Z]+)", line["head"])[0])
        assert self.rects[node(target)].touches(*tip), line
        return source, node(target)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


def check(
    browser: "Browser", folder: Path, graph: LayerGraph, data: st.DataObject
) -> None:
    """Click on drawn buttons, and check the figure after each click."""
    path = folder / "page.html"
    path.write_text(as_html(graph), encoding="utf-8")
    complete = with_zero_rates(graph)
    with opened(browser, path.as_uri()) as page:
        Shown(page).check(complete)
        for _ in range(6):
            buttons = page.query_selector_all(BUTTONS)
            if not buttons:
                break
            place = data.draw(st.integers(0, len(buttons) - 1))
            buttons[place].dispatch_event("click")
            Shown(page).check(complete)


@pytest.mark.slow
@settings(max_examples=8, phases=[Phase.generate])
@given(graphs(), st.data())
def test_every_spec(
    browser: "Browser", folder: Path, graph: LayerGraph, data: st.DataObject
) -> None:
    check(browser, folder, graph, data)


@pytest.mark.slow
@settings(max_examples=8, phases=[Phase.generate])
@given(st.data())
def test_any_wiring(browser: "Browser", folder: Path, data: st.DataObject) -> None:
    check(browser, folder, wired(data), data)


@pytest.mark.slow
@settings(max_examples=8, phases=[Phase.generate])
@given(st.sampled_from([*HAND_MADE.values()]), st.data())
def test_hand_made(
    browser: "Browser", folder: Path, make: Any, data: st.DataObject
) -> None:
    check(browser, folder, make(), data)
