"""A figure with all states of its scopes and runs, of which a script shows one.

Each element that belongs to one state of a run has `data-when`. The script places the
nodes, draws the lines through their `data-points`, and hides the rest.
"""

from typing import Final
from xml.etree import ElementTree as ET

from deit_spec.diagram.box_text import GAP, LINE, PAD, SIZE, Text
from deit_spec.diagram.fold_layout import ALL, ONE, FoldLayout
from deit_spec.diagram.groups import Group
from deit_spec.diagram.marks import Marks
from deit_spec.diagram.palette import colours
from deit_spec.diagram.svg import SvgPainter
from deit_spec.diagram.vector_layout import Edge, Node
from deit_spec.diagram.vector_plan import caption_of
from deit_spec.graph import LayerGraph

MARGIN: Final = 12.0
ROOM: Final = 400.0
"""The width of the figure: its text is legible on a phone."""
_HANDLE: Final = 5.5
_PILL: Final = 14.0


def foldable_figure(graph: LayerGraph, marks: Marks | None = None) -> ET.Element:
    """Paint a graph with inferred shapes, with all states and without colours."""
    return _FoldPainter(FoldLayout(graph, ROOM, ROOM, marks)).figure()


class _FoldPainter(SvgPainter):
    layout: FoldLayout

    def __init__(self, layout: FoldLayout) -> None:
        super().__init__(layout.groups, layout, None, None)
        self.parents = dict(_parents(layout.groups.top, ""))

    def figure(self) -> ET.Element:
        """Paint everything but the heading and the legend, which the page has."""
        self.body(MARGIN, MARGIN)
        self.size(self.layout.width + 2 * MARGIN, self.layout.height + 2 * MARGIN)
        self.svg.set("role", "group")
        for element in self.svg.iter():
            look = element.get("class", "")
            for name in colours(look) if look in self.used else ():
                element.attrib.pop(name)  # the page has styles
            for title in element.findall("title"):
                element.remove(title)  # the page has cards
        return self.svg

    def body(self, x: float, y: float) -> ET.Element:
        """Paint the nodes in reading order, then the lines."""
        shift = f"translate({x:g} {y:g})"
        body = ET.SubElement(self.svg, "g", {"transform": shift})
        for node in self.layout.nodes:
            is_frame = node.kind in {"frame", "unused"}
            place = (self.frame if is_frame else self.node)(body, node)
            if parent := self.parents.get(node.group.path):
                place.set("data-in", parent)
        for edge in sorted(self.layout.edges, key=lambda edge: edge.kind == "residual"):
            self.edge(body, edge)
        return body

    def frame(self, parent: ET.Element, node: Node) -> ET.Element:
        """Paint a frame, the box that it is when folded, and what folds it."""
        place = super().frame(parent, node)
        if node.kind == "unused":
            return place
        if run := self.layout.run_of(node.group):
            place.set("data-run", run.path)
            self.headers(place, node, run)
        elif self.layout.represents_others(node.group):
            self.caption_as_one(place, node)
        look = self.look(node.group)
        place.set("data-look", look)
        stages = self.layout.folded(node.group)
        for when, content in stages.items():
            folded = ET.SubElement(place, "g", {"data-kind": "folded"})
            if run or len(stages) > 1:
                folded.set("data-when", when)
            texts, height = content.lay(node.width)
            height = max(height, self.layout.entries[node.group.path])
            box = Node(node.group, "box", 0, 0, node.width, height)
            self.box(folded, look, box, 4)
            for text in texts:
                self.write(folded, text)
        _add_handle(place)
        return place

    def headers(self, place: ET.Element, node: Node, run: Group) -> None:
        """Write the title of a run, and buttons that switch between its states."""
        title, *captions = node.texts
        for element in place.findall("text"):
            element.set("data-when", ALL)
        half = node.width / 2  # a line is there
        _add_pill(place, title, f"fold to ×{run.item.count}", ALL, half)
        if run.path != node.group.path:
            return
        title = Text(run.item.title, "name").at(title.x, title.y)
        self.write(place, title).set("data-when", ONE)
        show = f"show all {run.item.count}"
        _add_pill(place, title, show, ONE, half)
        used = max(half, title.x + title.width) + GAP
        self.write_cost(place, run, captions, used)

    def caption_as_one(self, place: ET.Element, node: Node) -> None:
        """Write the cost of a scope while it represents those of equal scopes."""
        title, *captions = node.texts
        for element in place.findall("text")[1:]:
            element.set("data-when", ALL)
        used = max(node.width / 2, title.x + title.width) + GAP
        self.write_cost(place, node.group, captions, used)

    def write_cost(
        self, place: ET.Element, group: Group, captions: list[Text], used: float
    ) -> None:
        """Write what each of equal scopes costs in place of captions, if it fits."""
        for end in (text.x for text in captions):
            caption = caption_of(group, self.layout.one.cost(group), end - used)
            if caption.text:
                caption = caption.at(end, LINE, "end")
                self.write(place, caption).set("data-when", ONE)

    def node(self, parent: ET.Element, node: Node) -> ET.Element:
        """Paint a box, a sum or a name, with its texts as one of equal layers."""
        place = super().node(parent, node)
        texts = self.texts_as_one(node)
        if texts is not None and texts != node.texts:
            for element in place.findall("text"):
                element.set("data-when", ALL)
            for text in texts:
                element = self.write(place, text)
                if text.anchor != "after":
                    element.set("data-when", ONE)
        if node.kind == "output":
            place.set("data-of", f"output {node.texts[0].text}")
        return place

    def texts_as_one(self, node: Node) -> list[Text] | None:
        """Return the texts of a node while it represents those of equal scopes."""
        content = self.layout.content_as_one(node.group)
        if content is None:
            return None
        if node.kind == "box":
            return content.lay(node.width)[0]
        names = self.layout.names_as_one(node.group)
        if node.kind == "sum":
            (text,) = node.texts
            title, *rest = text.text.split(" ▶ ")
            shown = " ▶ ".join([title, *(names if rest else [])])
            return [Text(shown, "name", text.x, text.y)]
        ends = self.layout.end_names(node.group)
        if len(ends) != len(names):
            return None
        name = names[ends.index(node.texts[0].text)]
        return [Text(name, "name").at(node.width / 2, LINE, "middle")]

    def edge(self, parent: ET.Element, edge: Edge) -> ET.Element:
        """Paint a line without its path, which depends on what is folded."""
        place = super().edge(parent, edge)
        place.set("data-points", " ".join(f"{x:.10g},{y:.10g}" for x, y in edge.points))
        for path in place:
            del path.attrib["d"]
        return place


def _parents(groups: tuple[Group, ...], parent: str) -> list[tuple[str, str]]:
    """Return each path in a tree of groups, with the path of the frame around it."""
    found = [(each.path, parent) for each in groups]
    for each in groups:
        found += _parents(each.members, each.path)
    return found


def _add_handle(place: ET.Element) -> None:
    """Add the button at the corner of a frame that folds and unfolds it."""
    handle = ET.SubElement(place, "g", {"class": "handle"})
    handle.set("transform", f"translate(-2 {LINE - SIZE / 3:g})")
    hit = {"x": "-13", "y": "-13", "width": "26", "height": "26", "class": "hit"}
    ET.SubElement(handle, "rect", hit)
    ET.SubElement(handle, "circle", {"r": f"{_HANDLE:g}"})
    ET.SubElement(handle, "path", {"d": "M-3 0H3"})
    ET.SubElement(handle, "path", {"d": "M0 -3V3", "class": "plus"})


def _pill_width(label: str) -> float:
    return Text(label, "note").width + 2 * PAD


def _add_pill(
    place: ET.Element, title: Text, label: str, when: str, room: float
) -> None:
    """Add a button after a title, if there is room for it."""
    x, width = title.x + title.width + GAP, _pill_width(label)
    if x + width >= room:
        return
    pill = ET.SubElement(place, "g", {"class": "pill", "data-when": when})
    pill.set("transform", f"translate({x:g} {title.y - SIZE:g})")
    size = {"width": f"{width:g}", "height": f"{_PILL:g}", "rx": f"{_PILL / 2:g}"}
    ET.SubElement(pill, "rect", size)
    text = {"x": f"{width / 2:g}", "y": "10", "font-size": "9.5"}
    ET.SubElement(pill, "text", text | {"text-anchor": "middle"}).text = label
