"""What a notebook shows for an object.

The packages of the spec and of the graph do not import those that draw them, so the
function that draws a class is registered by a package above both.
"""

from functools import singledispatch


@singledispatch
def draw_in_notebook(value: object, *, inline: bool) -> str | None:  # noqa: ARG001
    """Draw an object as SVG, or return None if it cannot be drawn.

    `inline` is a part of an HTML page, whose ids and rules do not affect other figures.
    """
    return None


class DrawnInNotebook:
    """A class whose objects are drawn where a notebook shows them."""

    def _repr_svg_(self) -> str | None:
        return draw_in_notebook(self, inline=False)

    def _repr_html_(self) -> str | None:
        return draw_in_notebook(self, inline=True)
