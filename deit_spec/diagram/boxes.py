"""The text in a box, and its border."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from deit_spec.cost import Cost, short
from deit_spec.diagram.area import Area
from deit_spec.diagram.canvas import FAINT, PLAIN, SHAPE, TITLE, Canvas
from deit_spec.diagram.graph_view import View, condense, spread
from deit_spec.diagram.items import Item
from deit_spec.graph import Scope
from deit_spec.ops import show

NOTHING = Cost()
_GAP = 2
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
    cost: Cost = NOTHING


@dataclass
class Line:
    """A line of text: pieces with their columns and styles, and the cost."""

    pieces: list[tuple[int, str, str]]
    cost: Cost = NOTHING


def layer_rows(item: Item, view: View, stubs: list[str], *, beside: bool) -> list[Row]:
    """Describe a layer. If it is `beside` others, its box contains its cost."""
    op, cost = view.graph.op(item.path), view.costs[item.path]
    detail = parameters_of(item.path, view) if view.detail else ""
    if len(item.reads) > 1:
        parent = item.path.rpartition(".")[0]
        names = condense(relative(value, parent) for value in item.reads)
        detail = ", ".join(names)
    notes = [(text, SHAPE) for text in stubs_of(stubs, view)]
    if beside and op.parameters:
        notes.append((f"{counted(cost.parameters)} parameters", PLAIN))
    if beside and cost.macs:
        notes.append((f"{short(cost.macs)} MACs", PLAIN))
    row = Row("", view.summary(item.path), detail, "", tuple(notes), cost)
    return [row]


def scope_rows(item: Item, view: View, stubs: list[str]) -> list[Row]:
    """Describe the layers of a scope without nested scopes.

    Each row reads the row above it unless a note names other inputs.
    """
    scope = item.scopes[0]
    notes = tuple((text, SHAPE) for text in stubs_of(stubs, view))
    rows = [Row(notes=notes)] if notes else []
    above = [value for value in item.reads if value not in stubs][:1]
    shape = view.shape(above[0]) if above else ""
    for group in _groups(scope, view):
        made = view.shape(group[0])
        shown = "" if made == shape else made
        rows.append(_group_row(group, scope, view, above, item.inner, shown))
        above, shape = group, made
    return rows


def parameters_of(path: str, view: View) -> str:
    """List the parameters of a layer with their shapes."""
    tensors = view.graph.op(path).parameters
    return ", ".join(f"{p.name} {show(p.shape)}" for p in tensors if p.name)


def stubs_of(values: list[str], view: View) -> Iterator[str]:
    """Name the inputs that no line leads to."""
    for shape, group in groupby(values, view.shape):
        yield f"from {', '.join(condense(group))} {shape}"


def counted(number: int) -> str:
    """Format a count, exactly unless it is too long."""
    exact = f"{number:,}"
    return exact if len(exact) <= len("999,999,999,999") else short(number)


def relative(path: str, parent: str) -> str:
    """Return a path relative to its parent."""
    return path.removeprefix(f"{parent}.") if parent else path


def natural_width(rows: list[Row]) -> int:
    """Return the width at which no row is wrapped."""
    name = _name_width(rows)
    wide = [0]
    for row in rows:
        parts = [len(part) for part in (row.text, row.detail, row.shape) if part]
        wide.append(name + sum(parts) + _GAP * max(0, len(parts) - 1))
        wide.extend(name + len(text) for text, _ in row.notes)
    return max(wide)


def lay(rows: list[Row], width: int) -> list[Line]:
    """Wrap rows to a width, with the names in a column."""
    column = _name_width(rows)
    return [line for row in rows for line in _lay_row(row, column, width)]


def _name_width(rows: list[Row]) -> int:
    longest = max((len(row.name) for row in rows), default=0)
    return longest + _GAP if longest else 0


def _lay_row(row: Row, start: int, width: int) -> list[Line]:
    room = max(1, width - start)
    lines = [Line([(start, text, PLAIN)]) for text in _wrap(row.text, room)]
    if lines:
        lines[0].pieces.insert(0, (0, row.name, TITLE))
        lines[0].cost = row.cost
    _append(lines, row.detail, FAINT, start, width)
    if row.shape:
        _flush_right(lines, row.shape, width)
    for text, style in row.notes:
        lines += [Line([(start, part, style)]) for part in _wrap(text, room)]
    return lines


def _wrap(text: str, width: int) -> list[str]:
    """Wrap a text between words, and not within shapes."""
    joined = _BRACKETS.sub(lambda found: found[0].replace(" ", _NO_BREAK), text)
    lines = textwrap.wrap(joined, width, break_long_words=False, break_on_hyphens=False)
    return [line.replace(_NO_BREAK, " ") for line in lines]


def _append(lines: list[Line], text: str, style: str, start: int, width: int) -> None:
    """Append a text to the last line, or below it."""
    if not text:
        return
    end = _end(lines[-1])
    if end + _GAP + len(text) <= width:
        lines[-1].pieces.append((end + _GAP, text, style))
        return
    wrapped = _wrap(text, max(1, width - start))
    lines.extend(Line([(start, part, style)]) for part in wrapped)


def _flush_right(lines: list[Line], shape: str, width: int) -> None:
    """Write a shape at the right end of the first line in which it fits."""
    start = max(0, width - len(shape))
    for line in (lines[0], lines[-1]):
        if _end(line) + _GAP <= start:
            line.pieces.append((start, shape, SHAPE))
            return
    lines.append(Line([(start, shape, SHAPE)]))


def _end(line: Line) -> int:
    return max((x + len(text) for x, text, _ in line.pieces), default=0)


def _groups(scope: Scope, view: View) -> Iterator[list[str]]:
    """Group layers in execution order; similar layers with equal inputs share a row."""
    graph = view.graph

    def likeness(path: str) -> tuple[object, ...]:
        op, inputs = graph.op(path), graph.inputs(path)
        if op.parameters or not inputs:
            return (path,)
        return type(op), inputs, graph.shape(path)

    paths = [p for p in scope.items.values() if isinstance(p, str) and p in view.flow]
    for _, group in groupby(paths, key=likeness):
        yield [*group]


def _group_row(  # noqa: PLR0913, PLR0917  -- the parts of a row
    group: list[str],
    scope: Scope,
    view: View,
    above: list[str],
    goes_on: str,
    shape: str,
) -> Row:
    inputs = view.graph.inputs(group[0])
    notes = []
    if set(inputs) != set(above):
        sources = condense(relative(value, scope.path) for value in inputs)
        notes.append((f"from {', '.join(sources)}" if inputs else "learned", FAINT))
    returned = [p for p in group if p != goes_on]
    notes += [(f"▶ {n}", TITLE) for p in returned for n in view.output_names(p)]
    detail = ""
    if view.detail:
        detail = ", ".join(filter(None, (parameters_of(p, view) for p in group)))
    return Row(
        ", ".join(relative(path, scope.path) for path in group),
        spread([view.summary(path) for path in group], ", "),
        detail,
        f"{len(group)} × {shape}" if shape and len(group) > 1 else shape,
        tuple(notes),
        sum((view.costs[path] for path in group), Cost()),
    )


_EDGES = 4


def rows_of(item: Item, view: View, stubs: list[str], *, beside: bool) -> list[Row]:
    """Return the rows in the box of a layer or of a scope."""
    if not item.scopes:
        return layer_rows(item, view, stubs, beside=beside)
    with view.inside(item.scopes):
        return scope_rows(item, view, stubs)


def lines_of(
    item: Item, view: View, area: Area, stubs: list[str], *, beside: bool
) -> list[Line]:
    """Return the rows as lines that fit an area."""
    return lay(rows_of(item, view, stubs, beside=beside), area.width - _EDGES)


def width_of(item: Item, view: View, *, beside: bool) -> int:
    """Return the preferred width of the box of an item."""
    if item.is_frame:
        return 0
    inside = natural_width(rows_of(item, view, [], beside=beside))
    return max(inside, len(item.title) + 2) + _EDGES


def border(canvas: Canvas, area: Area, top: int, bottom: int, item: Item) -> None:
    """Draw the border of a box, with its title."""
    left, right = area.left, area.right - 1
    canvas.frame(left, right, top, bottom)
    _caption(canvas, left + 2, top, item.title, TITLE, right - 1)
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
