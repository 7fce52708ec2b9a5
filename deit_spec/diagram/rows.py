"""What stands inside a box: rows of name, summary, detail and shape."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from deit_spec.cost import Cost, short
from deit_spec.diagram.canvas import FAINT, PLAIN, SHAPE, TITLE
from deit_spec.diagram.items import Item
from deit_spec.diagram.names import condense, spread
from deit_spec.diagram.view import View
from deit_spec.graph import Scope
from deit_spec.ops import show

NOTHING = Cost()
_GAP = 2
_MOST_ALIKE = 3
_BRACKETS = re.compile(r"\[[^\]]*\]")
_NO_BREAK = "\N{NO-BREAK SPACE}"
_NARROWEST = 12


@dataclass(frozen=True)
class Row:
    """One step of what a box does; `notes` stand below it."""

    name: str = ""
    text: str = ""
    detail: str = ""
    shape: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    cost: Cost = NOTHING


@dataclass
class Line:
    """A line of text: pieces with their columns and styles, and what it costs."""

    pieces: list[tuple[int, str, str]]
    cost: Cost = NOTHING


def layer_rows(item: Item, view: View, stubs: list[str], *, beside: bool) -> list[Row]:
    """What a single layer does; `beside` others it says itself what it costs."""
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
    """The steps of a scope that holds layers alone.

    A row reads the row above it, unless it says from where else.
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
    """The learnable tensors of a layer and their shapes."""
    tensors = view.graph.op(path).parameters
    return ", ".join(f"{p.name} {show(p.shape)}" for p in tensors if p.name)


def stubs_of(values: list[str], view: View) -> Iterator[str]:
    """The values that no line leads here for, by name."""
    for shape, alike in groupby(values, view.shape):
        yield f"from {', '.join(condense(alike))} {shape}"


def counted(number: int) -> str:
    """A count, exact while that can be read."""
    exact = f"{number:,}"
    return exact if len(exact) <= len("999,999,999,999") else short(number)


def relative(path: str, parent: str) -> str:
    """A path as its siblings call it."""
    return path.removeprefix(f"{parent}.") if parent else path


def natural_width(rows: list[Row]) -> int:
    """How wide rows want to be."""
    name = _name_width(rows)
    wide = [0]
    for row in rows:
        parts = [len(part) for part in (row.text, row.detail, row.shape) if part]
        wide.append(name + sum(parts) + _GAP * max(0, len(parts) - 1))
        wide.extend(name + len(text) for text, _ in row.notes)
    return max(wide)


def lay(rows: list[Row], width: int) -> list[Line]:
    """Fit rows into a width, each over as many lines as it needs.

    Names have a column, or lines of their own where that leaves too little.
    """
    column = _name_width(rows)
    if column <= max(0, width - _NARROWEST):
        return [line for row in rows for line in _lay_row(row, column, width)]
    lines: list[Line] = []
    for row in rows:
        lines += [Line([(0, row.name, TITLE)])] if row.name else []
        lines += _lay_row(replace(row, name=""), _GAP, width)
    return lines


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
    """Break a text between words; a shape stays whole."""
    joined = _BRACKETS.sub(lambda found: found[0].replace(" ", _NO_BREAK), text)
    lines = textwrap.wrap(joined, width, break_long_words=False, break_on_hyphens=False)
    return [line.replace(_NO_BREAK, " ") for line in lines]


def _append(lines: list[Line], text: str, style: str, start: int, width: int) -> None:
    """Write a text after the last line, or below it."""
    if not text:
        return
    end = _end(lines[-1])
    if end + _GAP + len(text) <= width:
        lines[-1].pieces.append((end + _GAP, text, style))
        return
    wrapped = _wrap(text, max(1, width - start))
    lines.extend(Line([(start, part, style)]) for part in wrapped)


def _flush_right(lines: list[Line], shape: str, width: int) -> None:
    """Write a shape at the right end of the first line that has room for it."""
    start = max(0, width - len(shape))
    for line in (lines[0], lines[-1]):
        if _end(line) + _GAP <= start:
            line.pieces.append((start, shape, SHAPE))
            return
    lines.append(Line([(start, shape, SHAPE)]))


def _end(line: Line) -> int:
    return max((x + len(text) for x, text, _ in line.pieces), default=0)


def _groups(scope: Scope, view: View) -> Iterator[list[str]]:
    """Layers in run order; those alike that read the same stand together."""
    group: list[str] = []
    for path in scope.items.values():
        if not isinstance(path, str) or path not in view.flow:
            continue
        if group and len(group) < _MOST_ALIKE and _alike(group[-1], path, view):
            group.append(path)
        else:
            if group:
                yield group
            group = [path]
    if group:
        yield group


def _alike(one: str, other: str, view: View) -> bool:
    graph = view.graph
    return (
        type(graph.op(one)) is type(graph.op(other))
        and bool(graph.inputs(one))
        and not graph.op(one).parameters
        and graph.inputs(one) == graph.inputs(other)
        and graph.shape(one) == graph.shape(other)
    )


def _group_row(  # noqa: PLR0913, PLR0917  -- a row has this many sides
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
