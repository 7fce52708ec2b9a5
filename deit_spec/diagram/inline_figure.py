"""A figure within an HTML page, such as a notebook with several figures."""

import re
from uuid import uuid4

from deit_spec.diagram.svg import as_svg
from deit_spec.graph import LayerGraph

_CLASS = re.compile(r"(?<=[{}])\.")


def inline_figure(graph: LayerGraph) -> str:
    """Draw a graph with inferred shapes as an SVG element of an HTML page.

    Its ids begin with a random one, and its rules are limited to it, so that they do
    not affect other elements of the page.
    """
    own = f"figure-{uuid4().hex[:8]}"
    head, style, body = re.split("</?style>", as_svg(graph))
    head = head.replace("<svg ", f'<svg id="{own}" ', 1)
    style = _CLASS.sub(f"#{own} .", style)
    body = body.replace('<g id="', f'<g id="{own}.')
    return f"{head}<style>{style}</style>{body}"
