"""Read a vector figure back: its nodes, edges and texts, with their places."""

import re
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import matplotlib as mpl
from PIL import ImageFont

from deit_spec.graph import LayerGraph

NS = "{http://www.w3.org/2000/svg}"
FONTS = Path(mpl.get_data_path()) / "fonts" / "ttf"
NUMBER = re.compile(r"-?[\d.]+")
SLACK = 0.05
GAP = 8.0


@cache
def font(name: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / f"{name}.ttf"), 1000)


@dataclass(frozen=True)
class Rect:
    x0: float
    y0: float
    x1: float
    y1: float

    def overlaps(self, other: "Rect") -> bool:
        return (
            self.x0 < other.x1 - SLACK
            and other.x0 < self.x1 - SLACK
            and self.y0 < other.y1 - SLACK
            and other.y0 < self.y1 - SLACK
        )

    def holds(self, other: "Rect") -> bool:
        return (
            self.x0 <= other.x0 + SLACK
            and other.x1 <= self.x1 + SLACK
            and self.y0 <= other.y0 + SLACK
            and other.y1 <= self.y1 + SLACK
        )

    def touches(self, x: float, y: float) -> bool:
        """Whether a point is on the border."""
        inside = self.x0 - SLACK <= x <= self.x1 + SLACK
        inside = inside and self.y0 - SLACK <= y <= self.y1 + SLACK
        edges = (x - self.x0, x - self.x1, y - self.y0, y - self.y1)
        return inside and min(map(abs, edges)) <= SLACK


@dataclass
class Drawing:
    page: Rect
    boxes: dict[str, Rect] = field(default_factory=dict)
    names: list[tuple[str, Rect]] = field(default_factory=list)
    frames: list[Rect] = field(default_factory=list)
    scopes: dict[str, list[str]] = field(default_factory=dict)
    texts: list[tuple[Rect, Rect]] = field(default_factory=list)
    """Texts that are in a box or on the page, each with what it is in."""
    edges: list[tuple[str, str]] = field(default_factory=list)
    ends: list[tuple[str, str, list[tuple[float, float]]]] = field(default_factory=list)


def parse(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314  -- we wrote it


def read_svg(text: str) -> Drawing:
    root = parse(text)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    found = Drawing(Rect(0, 0, width, height))
    found.texts += [(r, found.page) for r in texts_of(root, 0, 0)]
    for group in root.iter(f"{NS}g"):
        if group.get("data-kind") == "legend":
            found.texts += [(r, found.page) for r in texts_of(group, 0, 0)]
    body = next(g for g in root.findall(f"{NS}g") if "transform" in g.attrib)
    left, top = numbers(body.attrib["transform"])
    for group in body.findall(f"{NS}g"):
        if "data-to" in group.attrib:
            _read_edge(group, found, left, top)
        else:
            x, y = numbers(group.attrib["transform"])
            _read_node(group, found, left + x, top + y)
    return found


def _read_edge(group: ET.Element, found: Drawing, left: float, top: float) -> None:
    source, target = group.attrib["data-from"], group.attrib["data-to"]
    line, head = (path.attrib["d"] for path in group.findall(f"{NS}path"))
    # The corners are the control points of the curves.
    corners = [numbers(point) for point in re.findall(r"[MQ]([^A-Z]+)", line)]
    tip = numbers(re.findall(r"M([^A-Z]+)", head)[0])
    ways = [(x, y) for x, y, *_ in (*corners, tip)]
    if not target.startswith("output "):
        found.edges.append((source, target))
    found.ends.append((source, target, [(x + left, y + top) for x, y in ways]))


def _read_node(group: ET.Element, found: Drawing, x: float, y: float) -> None:
    kind, path = group.attrib["data-kind"], group.get("id", "")
    if scopes := group.get("data-scopes"):
        found.scopes[path] = scopes.split()
    found.edges += [(value, path) for value in group.get("data-from", "").split()]
    texts = texts_of(group, x, y)
    if kind == "output":
        (text,) = texts
        found.names.append(("".join(group.itertext()).strip(), text))
        found.texts.append((text, found.page))
        return
    circle = group.find(f"{NS}circle")
    if circle is not None:
        size = 2 * float(circle.attrib["r"])
        found.boxes[path] = Rect(x, y, x + size, y + size)
        found.texts += [(text, found.page) for text in texts]
        return
    rect = group.find(f"{NS}rect")
    assert rect is not None
    width, height = float(rect.attrib["width"]), float(rect.attrib["height"])
    place = Rect(x, y, x + width, y + height)
    found.texts += [(text, place) for text in texts]
    if kind == "box":
        found.boxes[path] = place
    else:
        found.frames.append(place)


def texts_of(group: ET.Element, x: float, y: float) -> list[Rect]:
    """Measure the texts directly in a group with the fonts of DejaVu."""
    found = []
    for text in group.findall(f"{NS}text"):
        size = float(text.attrib["font-size"])
        width = measured(text, size)
        width += sum(GAP + measured(part, size) for part in text.findall(f"{NS}tspan"))
        shift = {"start": 0.0, "middle": width / 2, "end": width}
        left = x + float(text.attrib["x"]) - shift[text.get("text-anchor", "start")]
        base = y + float(text.attrib["y"])
        found.append(Rect(left, base - 0.76 * size, left + width, base + 0.24 * size))
    return found


def measured(text: ET.Element, size: float) -> float:
    name = "DejaVuSans-Bold" if text.get("font-weight") == "bold" else "DejaVuSans"
    if text.get("class") == "shape":
        name = "DejaVuSansMono"
    return font(name).getlength(text.text or "") * size / 1000


def numbers(text: str) -> list[float]:
    return [float(each) for each in NUMBER.findall(text)]


def overlaps(found: Drawing) -> list[tuple[object, object]]:
    """Boxes that overlap, and frames and boxes of which none holds the other."""
    boxes = [*found.boxes.items(), *found.names]
    wrong: list[tuple[object, object]] = [
        (one, two) for one, two in combinations(boxes, 2) if one[1].overlaps(two[1])
    ]
    for frame in found.frames:
        others = [rect for _, rect in boxes] + [f for f in found.frames if f != frame]
        wrong += [
            (frame, other)
            for other in others
            if frame.overlaps(other)
            and not frame.holds(other)
            and not other.holds(frame)
        ]
    return wrong


def crossings(found: Drawing, *, texts: bool) -> list[tuple[str, str, object]]:
    """Lines that go through a box, or through a text outside of a box."""
    boxes = [Rect(b.x0 + 1, b.y0 + 1, b.x1 - 1, b.y1 - 1) for b in found.boxes.values()]
    things = [*boxes, *(text for text, _ in found.texts if texts)]
    wrong: list[tuple[str, str, object]] = []
    for source, target, points in found.ends:
        for (x0, y0), (x1, y1) in pairwise(points):
            xs, ys = sorted((x0, x1)), sorted((y0, y1))
            line = Rect(xs[0], ys[0], xs[1] + 3 * SLACK, ys[1] + 3 * SLACK)
            wrong += [(source, target, rect) for rect in things if rect.overlaps(line)]
    return wrong


def shared(found: Drawing) -> list[tuple[str, str]]:
    """Lines of different values that run over each other."""
    runs = {
        (source, *sorted(pair))
        for source, _, points in found.ends
        for pair in pairwise(points)
    }
    wrong = []
    for (one, (ax0, ay0), (ax1, ay1)), (two, (bx0, by0), (bx1, by1)) in combinations(
        sorted(runs), 2
    ):
        wide = min(ax1, bx1) - max(ax0, bx0)
        high = min(max(ay0, ay1), max(by0, by1)) - max(min(ay0, ay1), min(by0, by1))
        is_same = abs(ay0 - by1) <= SLACK if ay0 == ay1 and by0 == by1 else False
        is_same = is_same and wide > 1
        if ax0 == ax1 and bx0 == bx1 and abs(ax0 - bx0) <= SLACK and high > 1:
            is_same = True
        if one != two and is_same:
            wrong.append((one, two))
    return wrong


class Unfolded:
    """The drawn node of each layer, from the ids and the scopes of frames."""

    def __init__(self, nodes: set[str], scopes: dict[str, list[str]]) -> None:
        self.nodes, self.scopes = nodes, scopes

    def node(self, path: str) -> str:
        for first, scopes in self.scopes.items():
            for scope in scopes[1:]:
                if path.startswith(f"{scope}."):
                    path = first + path[len(scope) :]
        while path not in self.nodes:
            path, dot, _ = path.rpartition(".")
            assert dot, path
        return path

    def edges(self, graph: LayerGraph) -> set[tuple[str, str]]:
        """The edges to draw.

        Those of equal blocks are the edges into the first one, and the edges within
        the last one, because a pass may remove layers of rate 0 from the first.
        """
        found = {
            (self.node(source), self.node(target))
            for source, target in graph.network.edges
            if self._is_drawn(source, target)
        }
        return {(source, target) for source, target in found if source != target}

    def _is_drawn(self, source: str, target: str) -> bool:
        for scopes in self.scopes.values():
            for scope in scopes:
                if target.startswith(f"{scope}."):
                    is_within = source.startswith(f"{scope}.")
                    return scope == scopes[-1 if is_within else 0]
        return True
