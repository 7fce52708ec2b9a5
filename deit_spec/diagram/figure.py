"""The figure: title, flow, prediction, unused layers, and totals."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from rich.cells import cell_len
from rich.text import Text

from deit_spec.cost import Cost, short, total
from deit_spec.diagnostics.printable import visible
from deit_spec.diagram.area import Area
from deit_spec.diagram.arrange import arrange
from deit_spec.diagram.boxes import Row, border, lay, shortened
from deit_spec.diagram.canvas import (
    FAINT,
    MARKED,
    NUMBER,
    SHAPE,
    TITLE,
    Canvas,
    ascii_of,
    clip,
    mark_style,
)
from deit_spec.diagram.connectors import Sheet
from deit_spec.diagram.cost_range import CostRange, exactly
from deit_spec.diagram.flow_painter import Flow
from deit_spec.diagram.graph_view import View, details_of
from deit_spec.diagram.items import Item, items_of
from deit_spec.diagram.marks import Fate, Marks, titled
from deit_spec.graph import LayerGraph

HEADS = ("parameters", "MACs")
_GAP = 2
_SHORT = len("999.99 M")


class Columns:
    """The columns of numbers at the right edge of a page, wide enough for a total."""

    def __init__(self, page: int, total: Cost, range_width: int = 0) -> None:
        widest = shortened(total.parameters)
        self.page = page
        self.parameters = max(len(HEADS[0]), len(widest))
        self.macs = max(_SHORT, len(short(total.macs)), range_width)
        self.exact = widest == f"{total.parameters:,}"

    @property
    def figure(self) -> int:
        """The width of the figure itself."""
        return self.page - self.parameters - self.macs - 2 * _GAP

    def place(self, line: Text, parameters: str, macs: str, style: str) -> Text:
        """Write numbers to the right of a line."""
        pad = self.figure - cell_len(line.plain)
        gap = " " * _GAP
        numbers = f"{parameters:>{self.parameters}}{gap}{macs:>{self.macs}}"
        line.append(" " * (pad + _GAP))
        line.append(numbers.rstrip(), style)
        return line

    def charge(self, line: Text, cost: CostRange, style: str) -> Text:
        """Write a cost to the right of a line; zeros are left blank."""
        write = shortened if self.exact else short
        parameters = write(cost.parameters) if cost.parameters else ""
        return self.place(line, parameters, cost.macs, style)

    def lines(self, canvas: Canvas) -> list[Text]:
        """Return the rows of a canvas with their costs."""
        found = []
        for y in range(canvas.height):
            line = Text()
            for style, cells in groupby(canvas.row(y), key=itemgetter(1)):
                line.append("".join(text for text, _ in cells), style)
            if y in canvas.costs:
                line = self.charge(line, *canvas.costs[y])
            found.append(line)
        return found


NARROWEST, WIDEST = 80, 120
_DETAILED = 100


def draw(
    graph: LayerGraph,
    *,
    width: int,
    expand: bool = False,
    ascii_only: bool = False,
    marks: Marks | None = None,
) -> Text:
    """Draw the architecture of a graph, from the images to the outputs.

    `width` is the available columns, of which 80 to 120 are used. `expand` draws equal
    blocks separately. `marks` are shown as signs and in colour. Lines have no trailing
    blanks; styles are for terminals.
    """
    page = min(max(width, NARROWEST), WIDEST)
    view = View(graph, expand=expand, detail=page >= _DETAILED, marks=marks)
    cost = total(graph) if marks is None else marks.after
    columns = Columns(page, cost)
    canvas = _draw_all(columns.figure, view)
    ranges = [len(each.macs) for each, _ in canvas.costs.values()]
    if max(ranges, default=0) > columns.macs:
        columns = Columns(page, cost, max(ranges))
        canvas = _draw_all(columns.figure, view)
    rule = Text("─" * page, FAINT)
    lines = [
        *_heading(columns, graph, marks),
        rule,
        *columns.lines(canvas),
        rule,
        *_totals(columns, cost, marks),
    ]
    for line in lines:
        line.rstrip()
    figure = Text("\n", no_wrap=True, overflow="ignore", end="").join(lines)
    if ascii_only:
        figure.plain = ascii_of(figure.plain)
    return figure


def _draw_all(width: int, view: View) -> Canvas:
    items = items_of(view.root, view)
    canvas = Canvas(width)
    area = Area(0, width, 0).for_items(items, view)
    sheet = Sheet(canvas, view, {})
    flow = Flow(sheet, area, 0, nested=False, beside=False)
    flow.steps(arrange(items, view, area), {}, [])
    y = flow.y
    if view.extra is not None:
        y = _predict(sheet, area, y, view.extra)
    _kept(canvas, view, y)
    return canvas


def _heading(
    columns: Columns, graph: LayerGraph, marks: Marks | None
) -> Iterator[Text]:
    """Write the title above the columns; the names of two models are a line above."""
    title = _title(graph, columns.figure)
    if marks is not None:
        yield Text(clip(visible(graph.name), columns.page), TITLE)
        title = Text(details_of(graph))
    yield columns.place(title, *HEADS, TITLE)


def _title(graph: LayerGraph, width: int) -> Text:
    rest = f", {details_of(graph)}"
    line = Text(clip(visible(graph.name), max(8, width - len(rest))), TITLE)
    line.append(rest)
    line.truncate(width)
    return line


def _totals(columns: Columns, cost: Cost, marks: Marks | None) -> Iterator[Text]:
    yield columns.charge(Text("total", TITLE), exactly(cost), f"{TITLE} {NUMBER}")
    exact = [f"{cost.parameters:,} parameters", f"{cost.macs:,} MACs per image"]
    if marks is not None:
        exact = [marks.parameters(), f"{marks.macs('{:,}'.format)} per image"]
    if len(", ".join(exact)) <= columns.page:
        exact = [", ".join(exact)]
    yield from (Text(line, FAINT) for line in exact)
    if marks is not None:
        signs = ((fate.label, MARKED[fate]) for fate in Fate)
        yield Text("  ").join(Text(*sign) for sign in signs)


def _predict(sheet: Sheet, area: Area, y: int, path: str) -> int:
    """Draw the prediction in a faint style, below the values that it joins."""
    canvas, view = sheet.canvas, sheet.view
    inputs = view.graph.inputs(path)
    drawn = [sheet.ends[value] for value in inputs if value in sheet.ends]
    middle = sum(x for x, _ in drawn) // len(drawn) if drawn else area.trunk
    for x, top in drawn:
        canvas.vertical(x, top + 1, y + 1, dashed=True)
        canvas.horizontal(x, middle, y + 1, dashed=True)
    canvas.vertical(middle, y + 1, y + 2, dashed=True)
    canvas.arrow(middle, y + 2, "down")
    mark = view.mark([path])
    text = f"{titled(path, mark)}: {view.summary(path)}"
    if len(drawn) < len(inputs):
        text += f" of {', '.join(inputs)}"
    shape = view.shape(path)
    start = max(0, min(middle - len(text) // 2, canvas.width - len(text + shape) - 1))
    look = FAINT if mark is None else mark_style(mark)
    x = canvas.write(start, y + 3, text, look, canvas.width)
    canvas.write(x + 1, y + 3, shape, SHAPE, canvas.width)
    canvas.charge(y + 3, view.cost(path))
    return y + 4


def _kept(canvas: Canvas, view: View, y: int) -> None:
    """List the layers that no output uses but that are in the state dict."""
    if not view.dead:
        return
    title = "kept for the state dict"
    area = Area(0, canvas.width, 0)
    top = y + 1
    rows = [
        Row(
            view.title(path, [path]),
            view.summary(path),
            "",
            view.shape(path),
            (),
            view.cost(path),
            view.mark([path]),
        )
        for path in view.dead
    ]
    for place, line in enumerate(lay(rows, area.width - 4), top + 1):
        for x, text, style in line.pieces:
            look = style if style in MARKED.values() else FAINT
            canvas.write(2 + x, place, text, look, area.right - 2)
        canvas.charge(place, line.cost)
        y = place
    border(canvas, area, top, y + 1, Item("", title, (), ""))
