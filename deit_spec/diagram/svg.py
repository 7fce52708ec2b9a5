"""A figure as SVG: presentation attributes for print, and colours for dark pages."""

import re
from itertools import compress
from operator import not_
from typing import Final
from xml.etree import ElementTree as ET

from deit_spec.cost import total
from deit_spec.diagnostics.printable import visible
from deit_spec.diagram.box_text import GAP, LINE, Text, priced, shape_of, summary_of
from deit_spec.diagram.cost_range import exactly
from deit_spec.diagram.graph_view import details_of
from deit_spec.diagram.groups import Detail, Group, Groups, group
from deit_spec.diagram.heat import STEPS, Heat
from deit_spec.diagram.marks import LEGEND, Fate, Marks
from deit_spec.diagram.palette import FAMILIES, colours, dark_style, family_of
from deit_spec.diagram.vector_layout import Edge, Node, Point, VectorLayout
from deit_spec.diagram.vector_plan import RADIUS
from deit_spec.graph import LayerGraph

_MARGIN = 12.0
_BEND = 4.0
_PIXELS_PER_INCH = 96
_PIXELS_PER_MM = _PIXELS_PER_INCH / 25.4
_DOTS_PER_INCH = 300
_MOST_DOTS = 32_000
"""The largest height of a PNG; Cairo draws up to 32,767 pixels."""
_WIDEST = 460.0
"""Boxes are not made wider than this, because the eye would lose the line."""
_SCALE = 0.8
"""Of the text in a column of a paper: 6.6 pt."""
SANS: Final = "Helvetica, Arial, 'DejaVu Sans', sans-serif"
MONO: Final = "'DejaVu Sans Mono', Menlo, Consolas, monospace"


def as_svg(
    graph: LayerGraph,
    *,
    detail: Detail = Detail.BLOCK,
    millimetres: float | None = None,
    heat: Heat | None = None,
    marks: Marks | None = None,
) -> str:
    """Draw a graph with inferred shapes as an SVG document.

    Args:
        graph: A graph with inferred shapes.
        detail: The stages only, equal blocks as one, or every block.
        millimetres: The width in print; by default, the text has 11 pixels.
        heat: Numbers that colour the nodes instead of the families of ops.
        marks: What differs in a graph that is merged from two; its signs and colours
            take the place of the families.

    Returns:
        A document that is the same for the same graph. The id of a node is its path.
    """
    groups = group(graph, detail, marks)
    room = _WIDEST
    if millimetres is not None:
        room = millimetres * _PIXELS_PER_MM / _SCALE - 2 * _MARGIN
    layout = VectorLayout(groups, room, _WIDEST)
    return SvgPainter(groups, layout, millimetres, heat).text()


def convert_svg(text: str, name: str) -> bytes:
    """Convert a document of `as_svg` to `pdf`, or to `png` with 300 dots per inch.

    Raises:
        ImportError, OSError: CairoSVG or the library Cairo is not installed.
    """
    import cairosvg  # noqa: PLC0415  -- optional

    data = text.encode()
    if name == "pdf":
        pdf: bytes = cairosvg.svg2pdf(data)
        return pdf
    number, unit = re.findall(r' height="([\d.]+)(mm)?"', text)[0]
    pixels = float(number) * (_PIXELS_PER_MM if unit else 1.0)
    scale = min(_DOTS_PER_INCH / _PIXELS_PER_INCH, _MOST_DOTS / pixels)
    png: bytes = cairosvg.svg2png(data, scale=scale)
    return png


class SvgPainter:
    """Paints a layout; `text` is the document, and `body` only the nodes and lines."""

    def __init__(
        self,
        groups: Groups,
        layout: VectorLayout,
        millimetres: float | None,
        heat: Heat | None,
    ) -> None:
        self.groups, self.layout, self.millimetres = groups, layout, millimetres
        self.heat, self.marks = heat, groups.view.marks
        painted = {node.group for node in layout.nodes} if heat else ()
        found = {node: heat.of(node, groups) for node in painted} if heat else {}
        self.numbers = {node: n for node, n in found.items() if n is not None}
        self.range = (
            min([0.0, *self.numbers.values()]),
            max([0.0, *self.numbers.values()]),
        )
        self.used: dict[str, None] = {}
        self.top = 0.0
        self.svg = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg"})

    def text(self) -> str:
        """Paint everything."""
        graph = self.groups.view.graph
        details = details_of(graph)
        marks = self.marks
        costs = (
            [marks.parameters(), marks.macs()]
            if marks
            else [priced(exactly(total(graph)))]
        )
        cost = " · ".join(costs)
        ET.SubElement(self.svg, "title").text = f"{visible(graph.name)}, {details}"
        what = f"Architecture with {cost} per image"
        if marks:
            what = f"Differences between two models: {LEGEND}. {cost} per image"
        ET.SubElement(self.svg, "desc").text = what
        style = ET.SubElement(self.svg, "style")
        page = self.element(self.svg, "rect", "page", x=0, y=0)
        heading = [
            Text(_clipped(visible(graph.name), self.layout.width), "name"),
            Text(details, "words"),
            *(Text(each, "note") for each in costs),
        ]
        y = _MARGIN
        for text in heading:
            y += LINE
            self.write(self.svg, text.at(self.left, y))
        self.top = y + _MARGIN
        self.body(_MARGIN, self.top)
        height = self.legend(self.top + self.layout.height + _MARGIN)
        width = self.layout.width + 2 * _MARGIN
        page.set("width", _n(width))
        page.set("height", _n(height))
        self.size(width, height)
        style.text = dark_style(self.used)
        ET.indent(self.svg, " ")
        return ET.tostring(self.svg, encoding="unicode") + "\n"

    def body(self, x: float, y: float) -> ET.Element:
        """Paint the nodes, frames and lines at a place."""
        shift = f"translate({_n(x)} {_n(y)})"
        body = ET.SubElement(self.svg, "g", {"transform": shift})
        nodes = self.layout.nodes
        is_frame = [node.kind in {"frame", "unused"} for node in nodes]
        for node in compress(nodes, is_frame):
            self.frame(body, node)
        for edge in sorted(self.layout.edges, key=lambda edge: edge.kind == "residual"):
            self.edge(body, edge)
        for node in compress(nodes, map(not_, is_frame)):
            self.node(body, node)
        return body

    @property
    def left(self) -> float:
        """The left end of the body in the page."""
        return _MARGIN + (self.layout.width - self.layout.body) / 2

    def size(self, width: float, height: float) -> None:
        """Set the size of the document, in millimetres where these are given."""
        unit, scale = "", 1.0
        if self.millimetres is not None:
            unit, scale = "mm", self.millimetres / width
        self.svg.set("width", f"{_n(width * scale)}{unit}")
        self.svg.set("height", f"{_n(height * scale)}{unit}")
        self.svg.set("viewBox", f"0 0 {_n(width)} {_n(height)}")
        self.svg.set("role", "img")
        self.svg.set("font-family", SANS)

    def element(
        self, parent: ET.Element, tag: str, look: str, **attributes: object
    ) -> ET.Element:
        """Add an element in the colours of a class."""
        self.used[look] = None
        shown = {
            name.replace("_", "-"): _n(value)
            if isinstance(value, float)
            else str(value)
            for name, value in attributes.items()
        }
        return ET.SubElement(parent, tag, {"class": look, **colours(look), **shown})

    def write(self, parent: ET.Element, text: Text) -> ET.Element:
        """Write a text at its place, or after the last one."""
        if text.anchor == "after":
            found = self.element(parent[-1], "tspan", text.style, dx=GAP)
            found.set("font-weight", "normal")
            found.text = text.text
            return found
        found = self.element(
            parent, "text", text.style, x=text.x, y=text.y, font_size=text.size
        )
        if text.anchor != "start":
            found.set("text-anchor", text.anchor)
        if text.style == "name":
            found.set("font-weight", "bold")
        if text.style == "shape":
            found.set("font-family", MONO)
        found.text = text.text
        return found

    def frame(self, parent: ET.Element, node: Node) -> ET.Element:
        """Paint the frame of a scope, or around the layers without readers."""
        path = "unused" if node.kind == "unused" else node.group.path
        place = self.place(parent, node, None if node.kind == "unused" else path)
        if node.kind == "frame":
            scopes = node.group.item.scopes
            if len(scopes) > 1:
                place.set("data-scopes", " ".join(scope.path for scope in scopes))
            cost = self.groups.cost(node.group)
            card = f"{node.group.item.title}\n{priced(cost)}"
            if len(scopes) > 1:
                card += " each"
            if len(scopes) > 1 and cost.differs:
                whole = self.groups.view.whole(scopes)
                card += f"\n{priced(exactly(whole))} in total"
            ET.SubElement(place, "title").text = card.strip()
        mark = self.groups.mark(node.group) if node.kind == "frame" else None
        is_whole = mark is not None and mark.fate is not Fate.CHANGED
        if node.kind == "frame" and (node.group in self.numbers or is_whole):
            box = self.box(place, self.look(node.group), node, 6)
        else:
            box = self.box(place, "frame", node, 6)
            box.set("fill", "none")
        if node.kind == "unused":
            box.set("stroke-dasharray", "4 3")
        for text in node.texts:
            self.write(place, text)
        return place

    def node(self, parent: ET.Element, node: Node) -> ET.Element:
        """Paint a box, a sum, or the name of an output."""
        place = self.place(
            parent, node, node.group.path if node.kind != "output" else None
        )
        if node.kind != "output":
            family = self.look(node.group)
            scopes = [scope.path for scope in node.group.item.scopes]
            if len(scopes) > 1:
                place.set("data-scopes", " ".join(scopes))
            ET.SubElement(place, "title").text = self.card(node.group)
            if named := self.layout.named.get(node.group.path):
                place.set("data-from", " ".join(named))
            if node.kind == "box":
                box = self.box(place, family, node, 4)
                if node.group.path == self.groups.view.extra:
                    box.set("stroke-dasharray", "4 3")
            else:
                self.sign(place, family)
        for text in node.texts:
            self.write(place, text)
        return place

    def look(self, each: Group) -> str:
        """Return the class of a node: its family, or the step of its number."""
        if self.marks is not None:
            mark = self.groups.mark(each)
            return mark.fate.name.lower() if mark else "unchanged"
        if self.heat is None:
            return family_of(each, self.groups)
        if each not in self.numbers:
            return "cold"
        low, high = self.range
        part = (self.numbers[each] - low) / (high - low) if high > low else 0.0
        return f"heat{min(STEPS - 1, int(part * STEPS))}"

    def place(self, parent: ET.Element, node: Node, path: str | None) -> ET.Element:
        """Add a group at the place of a node."""
        found = ET.SubElement(parent, "g", {"id": path} if path else {})
        found.set("data-kind", node.kind)
        found.set("transform", f"translate({_n(node.x)} {_n(node.y)})")
        return found

    def box(self, parent: ET.Element, look: str, node: Node, radius: int) -> ET.Element:
        """Paint a rectangle of the size of a node."""
        size = {"width": node.width, "height": node.height}
        return self.element(parent, "rect", look, rx=radius, stroke_width=1, **size)

    def sign(self, parent: ET.Element, family: str) -> None:
        """Paint the sign of a sum."""
        centre = {"cx": RADIUS, "cy": RADIUS, "r": RADIUS}
        self.element(parent, "circle", family, stroke_width=1.2, **centre)
        low, high = RADIUS / 2, 1.5 * RADIUS
        cross = f"M{_n(low)} {_n(RADIUS)}H{_n(high)}M{_n(RADIUS)} {_n(low)}V{_n(high)}"
        self.element(parent, "path", "sign", d=cross, fill="none", stroke_width=1.4)

    def edge(self, parent: ET.Element, edge: Edge) -> ET.Element:
        """Paint a line with rounded corners and an arrowhead."""
        names = {"data-from": edge.source, "data-to": edge.target}
        place = ET.SubElement(parent, "g", {"data-kind": edge.kind, **names})
        is_residual = edge.kind == "residual"
        look, size = ("residual", 7.0) if is_residual else ("line", 5.5)
        line = self.element(
            place,
            "path",
            look,
            d=_rounded(_shortened(edge.points, size - 1)),
            fill="none",
        )
        line.set("stroke-width", "2.4" if is_residual else "1.2")
        if edge.kind == "predict":
            line.set("stroke-dasharray", "4 3")
        head = "residualhead" if is_residual else "head"
        self.element(place, "path", head, d=_arrowhead(edge.points, size))
        return place

    def card(self, each: Group) -> str:
        """Describe a node, for the tooltip and for screen readers."""
        paths = self.groups.members[each.path]
        lines = [each.item.title, shape_of(each, self.groups)]
        if not each.item.scopes:
            ends = paths if len(paths) < 3 else [paths[0], "…", paths[-1]]  # noqa: PLR2004  -- first and last
            lines[:1] = [" ".join(ends), summary_of(each, self.groups)]
            if words := priced(self.groups.cost(each)):
                lines.append(words + (" each" if len(paths) > 1 else ""))
        if mark := self.groups.mark(each):
            lines.append(str(mark))
        if self.heat and each in self.numbers:
            number = self.heat.write(self.numbers[each])
            lines.append(f"{visible(self.heat.title)}: {number}")
        return "\n".join(lines)

    def legend(self, y: float) -> float:
        """Explain the colours in use; return the lower end of the page."""
        x, end = self.left, self.left + self.layout.body
        place = ET.SubElement(self.svg, "g", {"data-kind": "legend"})
        labels = {family: family for family in FAMILIES if family in self.used}
        if self.marks:
            labels = {fate.name.lower(): fate.label for fate in Fate}
            labels["unchanged"] = "unchanged"
        if self.heat:
            title = Text(_clipped(visible(self.heat.title), end - x), "name")
            self.write(place, title.at(x, y + 9))
            y += LINE + 4
            low, high = self.range
            step = (high - low) / STEPS
            labels = {
                f"heat{place}": f"≤ {self.heat.write(low + step * (place + 1))}"
                for place in range(STEPS)
            }
        for family, label in labels.items():
            text = Text(label, "note")
            width = 10 + 4 + text.width + 9
            if x + width > end and x > self.left:
                x, y = self.left, y + LINE
            self.element(
                place,
                "rect",
                family,
                x=x,
                y=y,
                width=10,
                height=10,
                rx=2,
                stroke_width=1,
            )
            self.write(place, text.at(x + 14, y + 9))
            x += width
        return y + LINE + _MARGIN


def _clipped(text: str, room: float) -> str:
    """Shorten a text to a width."""
    while Text(text, "name").width > room:
        text = f"{text[:-2]}…"
    return text


def _n(number: float) -> str:
    """Write a number with at most two decimals."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _shortened(points: tuple[Point, ...], by: float) -> tuple[Point, ...]:
    """End a line a little earlier, inside its arrowhead."""
    (x0, y0), (x1, y1) = points[-2:]
    length = abs(x1 - x0) + abs(y1 - y0)
    part = 1 - min(by, length / 2) / length
    return (*points[:-1], (x0 + (x1 - x0) * part, y0 + (y1 - y0) * part))


def _rounded(points: tuple[Point, ...]) -> str:
    """Return the path of a line with rounded corners."""
    x, y = points[0]
    path = f"M{_n(x)} {_n(y)}"
    for before, (x, y), after in zip(points, points[1:], points[2:], strict=False):
        (ax, ay), (bx, by) = _towards((x, y), before), _towards((x, y), after)
        path += f"L{_n(ax)} {_n(ay)}Q{_n(x)} {_n(y)} {_n(bx)} {_n(by)}"
    x, y = points[-1]
    return f"{path}L{_n(x)} {_n(y)}"


def _towards(corner: Point, end: Point) -> Point:
    """Return a point near a corner, at most half of the way to the end."""
    (x, y), (x1, y1) = corner, end
    length = abs(x1 - x) + abs(y1 - y)
    part = min(_BEND, length / 2) / length
    return x + (x1 - x) * part, y + (y1 - y) * part


def _arrowhead(points: tuple[Point, ...], size: float) -> str:
    """Return the path of an arrowhead at the end of a line."""
    (x0, y0), (x, y) = points[-2:]
    half = size / 2
    if x0 == x:
        back = y - size if y > y0 else y + size
        return f"M{_n(x)} {_n(y)}L{_n(x - half)} {_n(back)}H{_n(x + half)}Z"
    back = x - size if x > x0 else x + size
    return f"M{_n(x)} {_n(y)}L{_n(back)} {_n(y - half)}V{_n(y + half)}Z"
