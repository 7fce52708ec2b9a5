"""Boxes: their edges, and the lines of text inside."""

from deit_spec.diagram.canvas import FAINT, TITLE, Canvas
from deit_spec.diagram.items import Item
from deit_spec.diagram.room import Area
from deit_spec.diagram.rows import (
    Line,
    Row,
    lay,
    layer_rows,
    natural_width,
    scope_rows,
)
from deit_spec.diagram.view import View

_EDGES = 4


def rows_of(item: Item, view: View, stubs: list[str], *, beside: bool) -> list[Row]:
    """What stands in the box of a layer, or of a scope of layers."""
    if not item.scopes:
        return layer_rows(item, view, stubs, beside=beside)
    with view.inside(item.scopes):
        return scope_rows(item, view, stubs)


def lines_of(
    item: Item, view: View, area: Area, stubs: list[str], *, beside: bool
) -> list[Line]:
    """The same, in lines that fit an area."""
    return lay(rows_of(item, view, stubs, beside=beside), area.width - _EDGES)


def width_of(item: Item, view: View, *, beside: bool) -> int:
    """How wide the box of an item wants to be."""
    if item.is_frame:
        return 0
    inside = natural_width(rows_of(item, view, [], beside=beside))
    return max(inside, len(item.title) + 2) + _EDGES


def border(canvas: Canvas, area: Area, top: int, bottom: int, item: Item) -> None:
    """Draw the edge of a box, with its title."""
    left, right = area.left, area.right - 1
    canvas.frame(left, right, top, bottom)
    _caption(canvas, left + 2, top, item.title, TITLE, right - 1)
    if item.count > 1:
        text = f"each of {item.count}"
        start = right - 3 - len(text)
        _caption(canvas, start, bottom, text, FAINT, right - 1)


def _caption(  # noqa: PLR0913, PLR0917  -- a text, where, and how
    canvas: Canvas, x: int, y: int, text: str, style: str, end: int
) -> None:
    canvas.write(x, y, " ", FAINT, end)
    after = canvas.write(x + 1, y, text, style, end - 1)
    canvas.write(after, y, " ", FAINT, end)
