"""The text in a box, and its border."""

import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from deit_spec.cost import short
from deit_spec.diagram.area import Area
from deit_spec.diagram.canvas import (
    FAINT,
    PLAIN,
    SHAPE,
    TITLE,
    Canvas,
    mark_style,
    title_style,
)
from deit_spec.diagram.cost_range import NOTHING, CostRange
from deit_spec.diagram.graph_view import View, condense, relative, spread
from deit_spec.diagram.items import Item
from deit_spec.diagram.marks import Mark, titled
from deit_spec.graph import Scope
from deit_spec.ops import show

_GAP = 2
EDGES = 4
"""The columns that the border of a box takes, with margins."""
_BRACKETS = re.compile(r"\[[^\]]*\]")
_NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Row:
    """A row of a box, with a name, a summary, details and a shape; notes go below."""

    name: str = ""
    text: str = ""
    detail: str = ""
    shape: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    cost: CostRange = NOTHING
    mark: Mark | None = None

    @property
    def changes(self) -> str:
        """The changes of the mark, as text."""
        return ", ".join(self.mark.changes) if self.mark else ""


@dataclass
class Line:
    """A line of text: pieces with their columns and styles, and the cost."""

    pieces: list[tuple[int, str, str]]
    cost: CostRange = NOTHING

    @property
    def end(self) -> int:
        """The column after the last piece."""
        return max((x + len(text) for x, text, _ in self.pieces), default=0)


def rows_of(item: Item, view: View, stubs: list[str], *, beside: bool) -> list[Row]:
    """Return the rows in the box of a layer or of a scope."""
    notes = [(text, SHAPE) for text in stubs_of(stubs, view)]
    if not item.scopes:
        return [_layer_row(item, view, notes, beside=beside)]
    rows = [Row(notes=tuple(notes))] if notes else []
    above = [value for value in item.reads if value not in stubs][:1]
    with view.inside(item.scopes):
        return [*rows, *_scope_rows(item, view, above)]


def _layer_row(
    item: Item, view: View, notes: list[tuple[str, str]], *, beside: bool
) -> Row:
    """Describe a layer. If it is `beside` others, its box contains its cost."""
    cost = view.cost(item.path)
    detail = parameters_of([item.path], view)
    if len(item.reads) > 1:
        parent = item.path.rpartition(".")[0]
        detail = ", ".join(_sources(item.reads, parent, view))
    if beside and cost.parameters:
        notes.append((f"{shortened(cost.parameters)} parameters", PLAIN))
    if beside and cost.macs:
        notes.append((f"{cost.macs} MACs", PLAIN))
    mark = view.mark([item.path])
    return Row("", view.summary(item.path), detail, "", tuple(notes), cost, mark)


def _scope_rows(item: Item, view: View, above: list[str]) -> Iterator[Row]:
    """Describe the layers of a scope; each reads the row above unless noted."""
    parent = item.scopes[0].path
    shape = view.shape(above[0]) if above else ""
    for group in _groups(item.scopes[0], view):
        inputs, made = view.graph.inputs(group[0]), view.shape(group[0])
        notes = []
        if set(inputs) != set(above):
            sources = _sources(inputs, parent, view)
            notes.append((f"from {', '.join(sources)}" if inputs else "learned", FAINT))
        returned = [path for path in group if path != item.inner]
        notes += [(f"▶ {n}", TITLE) for p in returned for n in view.output_names(p)]
        shown = f"{len(group)} × {made}" if len(group) > 1 else made
        mark = view.mark(group)
        names = titled(", ".join(relative(path, parent) for path in group), mark)
        text = spread([view.summary(path) for path in group], ", ")
        detail, shown = parameters_of(group, view), "" if made == shape else shown
        cost = sum((view.cost(path) for path in group), NOTHING)
        yield Row(names, text, detail, shown, tuple(notes), cost, mark)
        above, shape = group, made


def _sources(values: Iterable[str], parent: str, view: View) -> list[str]:
    """Name inputs: those in a scope by their names in it, others for equal blocks."""
    names: list[str] = []
    for value in values:
        inner = relative(value, parent)
        names += [inner] if inner != value else view.twins(value)
    return condense(names)


def parameters_of(paths: list[str], view: View) -> str:
    """List the parameters of layers with their shapes, in a detailed figure."""
    tensors = [p for path in paths for p in view.graph.op(path).parameters if p.name]
    return ", ".join(f"{p.name} {show(p.shape)}" for p in tensors if view.detail)


def stubs_of(values: list[str], view: View) -> Iterator[str]:
    """Name the inputs that no line leads to."""
    for shape, group in groupby(values, view.shape):
        names = condense(twin for value in group for twin in view.twins(value))
        yield f"from {', '.join(names)} {shape}"


def shortened(number: int) -> str:
    """Format a count, exactly unless it is too long."""
    exact = f"{number:,}"
    return exact if len(exact) <= len("999,999,999,999") else short(number)


def lay(rows: list[Row], width: int) -> list[Line]:
    """Wrap rows to a width, with the names in a column."""
    start = _name_width(rows)
    lines: list[Line] = []
    for row in rows:
        texts = wrap(row.text, width - start)
        found = [Line([(start, text, PLAIN)]) for text in texts]
        if found:
            found[0].pieces.insert(0, (0, row.name, title_style(row.mark)))
            found[0].cost = row.cost
        if row.detail:
            _append(found, row.detail, start, width)
        if row.changes:
            _append(found, row.changes, start, width, mark_style(row.mark))
        if row.shape:
            _flush_right(found, row.shape, width)
        for text, style in row.notes:
            parts = wrap(text, width - start)
            found += [Line([(start, part, style)]) for part in parts]
        lines += found
    return lines


def _name_width(rows: list[Row]) -> int:
    longest = max((len(row.name) for row in rows), default=0)
    return longest + _GAP if longest else 0


def wrap(text: str, width: int) -> list[str]:
    """Wrap a text between words, and not within shapes."""
    joined = _BRACKETS.sub(lambda found: found[0].replace(" ", _NO_BREAK), text)
    lines = textwrap.wrap(
        joined, max(1, width), break_long_words=False, break_on_hyphens=False
    )
    return [line.replace(_NO_BREAK, " ") for line in lines]


def _append(
    lines: list[Line], detail: str, start: int, width: int, style: str = FAINT
) -> None:
    """Append a detail to the last line, or below it."""
    end = lines[-1].end + _GAP
    if end + len(detail) <= width:
        lines[-1].pieces.append((end, detail, style))
    else:
        parts = wrap(detail, width - start)
        lines.extend(Line([(start, part, style)]) for part in parts)


def _flush_right(lines: list[Line], shape: str, width: int) -> None:
    """Write a shape at the right end of the first line in which it fits."""
    start = max(0, width - len(shape))
    for line in (lines[0], lines[-1]):
        if line.end + _GAP <= start:
            line.pieces.append((start, shape, SHAPE))
            return
    lines.append(Line([(start, shape, SHAPE)]))


def _groups(scope: Scope, view: View) -> Iterator[list[str]]:
    """Group layers in execution order; similar layers with equal inputs share a row."""
    graph = view.graph

    def likeness(path: str) -> tuple[object, ...]:
        op, inputs = graph.op(path), graph.inputs(path)
        if op.parameters or not inputs:
            return (path,)
        return type(op), inputs, graph.shape(path), view.mark([path])

    paths = [p for p in scope.items.values() if isinstance(p, str) and p in view.flow]
    for _, group in groupby(paths, key=likeness):
        yield [*group]


def width_of(item: Item, view: View, *, beside: bool) -> int:
    """Return the width of the box of an item at which no row is wrapped."""
    if item.is_frame:
        return 0
    rows = rows_of(item, view, [], beside=beside)
    start = _name_width(rows)
    wide = [len(item.title) + 2]
    for row in rows:
        texts = (row.text, row.detail, row.changes, row.shape)
        parts = [len(part) for part in texts if part]
        wide.append(start + sum(parts) + _GAP * max(0, len(parts) - 1))
        wide.extend(start + len(text) for text, _ in row.notes)
    return max(wide) + EDGES


def border(  # noqa: PLR0913, PLR0917  -- edges, title and style
    canvas: Canvas,
    area: Area,
    top: int,
    bottom: int,
    item: Item,
    style: str = TITLE,
) -> None:
    """Draw the border of a box, with its title."""
    left, right = area.left, area.right - 1
    canvas.frame(left, right, top, bottom)
    _caption(canvas, left + 2, top, item.title, style, right - 1)
    if item.count > 1:
        text = f"each of {item.count}"
        start = right - 3 - len(text)
        _caption(canvas, start, bottom, text, FAINT, right - 1)


def _caption(  # noqa: PLR0913, PLR0917  -- text, position and style
    canvas: Canvas, x: int, y: int, text: str, style: str, end: int
) -> None:
    canvas.write(x, y, " ", FAINT, end)
    after = canvas.write(x + 1, y, text, style, end - 1)
    canvas.write(after, y, " ", FAINT, end)
