"""The figure: title, flow, prediction, what is kept, and totals."""

import re
from collections.abc import Iterator

from rich.text import Text

from deit_spec.cost import Cost
from deit_spec.diagram.boxes import border
from deit_spec.diagram.canvas import FAINT, NUMBER, SHAPE, TITLE, Canvas, clip
from deit_spec.diagram.columns import Columns
from deit_spec.diagram.flow import Flow
from deit_spec.diagram.glyphs import INTO_TOP, ascii_of
from deit_spec.diagram.items import Item, items_of
from deit_spec.diagram.lines import Sheet
from deit_spec.diagram.names import condense
from deit_spec.diagram.room import Area
from deit_spec.diagram.rows import Row, lay
from deit_spec.diagram.view import View
from deit_spec.graph import LayerGraph
from deit_spec.ops import Images

NARROWEST, WIDEST = 80, 120
_DETAILED = 100


def draw(
    graph: LayerGraph, *, width: int, expand: bool = False, ascii_only: bool = False
) -> Text:
    """Draw the architecture of a final graph, from the images to the outputs.

    Args:
        graph: A graph with shapes.
        width: The columns there are; 80 at least and 120 at most are used.
        expand: Draw equal blocks one by one.
        ascii_only: Use ASCII alone, one character for each of the other glyphs.

    Returns:
        Lines without trailing blanks, with styles that are for a terminal only.
    """
    page = min(max(width, NARROWEST), WIDEST)
    view = View(graph, expand=expand, detail=page >= _DETAILED)
    cost = sum(view.costs.values(), Cost())
    columns = Columns.of(page, cost)
    canvas = Canvas(columns.figure, ascii_only=ascii_only)
    _draw_all(canvas, view)
    lines = [
        columns.heading(_title(graph, columns.figure)),
        columns.rule(),
        *columns.lines(canvas),
        columns.rule(),
        *_totals(columns, cost),
    ]
    return _joined(lines, ascii_only=ascii_only)


def _draw_all(canvas: Canvas, view: View) -> None:
    items = items_of(view.root, view)
    area = Area(0, canvas.width, 0).for_items(items, view)
    sheet = Sheet(canvas, view, {})
    flow = Flow(sheet, area, 0, nested=False, beside=False)
    flow.items(items, {}, [])
    y = flow.y
    if view.extra is not None:
        y = _predict(sheet, area, y, view.extra)
    _kept(canvas, view, y)


def _title(graph: LayerGraph, width: int) -> Text:
    images = [op for _, op in graph.ops() if isinstance(op, Images)]
    told = [graph.target.value, *(op.summary for op in images[:1])]
    rest = f", {', '.join(told)}"
    line = Text(clip(Canvas(0).plain(graph.name), max(8, width - len(rest))), TITLE)
    line.append(rest)
    line.truncate(width)
    return line


def _totals(columns: Columns, cost: Cost) -> Iterator[Text]:
    yield columns.charge(Text("total", TITLE), cost, f"{TITLE} {NUMBER}")
    exact = [f"{cost.parameters:,} parameters", f"{cost.macs:,} MACs per image"]
    if len(", ".join(exact)) <= columns.page:
        exact = [", ".join(exact)]
    yield from (Text(line, FAINT) for line in exact)


def _predict(sheet: Sheet, area: Area, y: int, path: str) -> int:
    """Draw the prediction lightly, below the values that it joins."""
    canvas, view = sheet.canvas, sheet.view
    inputs = view.graph.inputs(path)
    drawn = [sheet.ends[value] for value in inputs if value in sheet.ends]
    middle = sum(x for x, _ in drawn) // len(drawn) if drawn else area.trunk
    for x, top in drawn:
        canvas.vertical(x, top + 1, y + 1, dashed=True)
        canvas.horizontal(x, middle, y + 1, dashed=True)
    canvas.vertical(middle, y + 1, y + 2, dashed=True)
    canvas.write(middle, y + 2, INTO_TOP, FAINT, canvas.width)
    words = f"{path}: {view.summary(path)}"
    if len(drawn) < len(inputs):
        words += f" of {', '.join(inputs)}"
    shape = view.shape(path)
    start = max(0, min(middle - len(words) // 2, canvas.width - len(words + shape) - 1))
    x = canvas.write(start, y + 3, words, FAINT, canvas.width)
    canvas.write(x + 1, y + 3, shape, SHAPE, canvas.width)
    canvas.charge(y + 3, view.costs[path])
    return y + 4


def _kept(canvas: Canvas, view: View, y: int) -> None:
    """List what no output reads and the state dict has."""
    if not view.dead:
        return
    title = "kept for the state dict"
    area = Area(0, canvas.width, 0)
    top = y + 1
    for place, line in enumerate(lay(_kept_rows(view), area.width - 4), top + 1):
        for x, text, _ in line.pieces:
            canvas.write(2 + x, place, text, FAINT, area.right - 2)
        canvas.charge(place, line.cost)
        y = place
    border(canvas, area, top, y + 1, Item("", title, (), ""))


def _kept_rows(view: View) -> list[Row]:
    """A row for each layer; those that differ in numbers alone share one."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for path in view.dead:
        like = re.sub(r"\d+", "0", path)
        key = like, view.graph.op(path).summary, view.shape(path)
        groups.setdefault(key, []).append(path)
    return [
        Row(
            ", ".join(condense(paths)),
            summary + (f" ×{len(paths)}" if len(paths) > 1 else ""),
            "",
            shape,
            (),
            sum((view.costs[path] for path in paths), Cost()),
        )
        for (_, summary, shape), paths in groups.items()
    ]


def _joined(lines: list[Text], *, ascii_only: bool) -> Text:
    figure = Text(no_wrap=True, overflow="ignore", end="")
    for place, line in enumerate(lines):
        line.rstrip()
        if place:
            figure.append("\n")
        figure.append_text(line)
    if ascii_only:
        figure.plain = ascii_of(figure.plain)
    return figure
