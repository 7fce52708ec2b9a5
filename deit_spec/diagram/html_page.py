"""A figure as a page in one file that works without a network."""

import base64
import hashlib
import re
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from string import Template
from typing import Final
from xml.etree import ElementTree as ET

from deit_spec.cost import total
from deit_spec.diagnostics.printable import visible
from deit_spec.diagram.box_text import priced
from deit_spec.diagram.cost_range import exactly
from deit_spec.diagram.fold_painter import foldable_figure
from deit_spec.diagram.graph_view import details_of
from deit_spec.diagram.groups import Detail
from deit_spec.diagram.heat import Heat, Quantity, computed_heat
from deit_spec.diagram.marks import Marks
from deit_spec.diagram.palette import styles
from deit_spec.diagram.svg import as_svg
from deit_spec.graph import LayerGraph
from deit_spec.ops import Op, show
from deit_spec.version import __version__

_FILE: Final = "file"
"""The value of the option that selects numbers which are not computed here."""


def as_html(
    graph: LayerGraph,
    *,
    detail: Detail = Detail.BLOCK,
    heat: Heat | None = None,
    marks: Marks | None = None,
) -> str:
    """Draw a graph with inferred shapes as an HTML document.

    The document has a figure and a table of the layers, which can be read without a
    script. Its script folds and unfolds scopes and equal blocks, shows a card for each
    layer, searches, and colours the layers by their numbers.

    Args:
        graph: A graph with inferred shapes.
        detail: What is unfolded at first: nothing, one of several equal blocks, or
            everything.
        heat: Numbers that colour the layers at first. The page also offers those of
            each `Quantity`.
        marks: What differs in a graph that is merged from two. The numbers are then
            those of the second one.

    Returns:
        A document that is the same for the same graph. It loads nothing.
    """
    counted = graph if marks is None else marks.second
    computed = {each.value: computed_heat(counted, each) for each in Quantity}
    selected = _selected(heat, computed)
    quantities = {name: each.title for name, each in computed.items()}
    own = heat if selected == _FILE else None
    if own is not None:
        quantities[_FILE] = own.title
    figure = as_svg(graph, detail=detail, heat=heat, marks=marks)
    style = _text("html_page.css") + styles("svg")
    script = _text("html_page.js")
    in_figure = re.findall(r"<style>(.*?)</style>", figure, re.DOTALL)
    columns = [*_COLUMNS, *([visible(own.title)] if own else ())]
    cost = (
        f"{marks.parameters()} · {marks.macs()}"
        if marks
        else priced(exactly(total(graph)))
    )
    return Template(_text("html_page.html")).substitute(
        detail=detail.value,
        heat=selected,
        policy=_policy(script, [style, *in_figure]),
        version=escape(__version__),
        name=escape(visible(graph.name)),
        style=style,
        details=escape(details_of(graph)),
        cost=escape(f"{cost} per image"),
        quantities=_options(
            {"": "difference" if marks else "kind of layer"} | quantities
        ),
        figure=figure,
        count=f"{len(graph):,}",
        columns="".join(f'<th scope="col">{escape(name)}</th>' for name in columns),
        rows="".join(_rows(graph, computed, own, marks)),
        footer=escape(f"deit-spec {__version__}, spec {graph.digest[:12]}"),
        full=_foldable(graph, own, marks),
        script=script,
    )


_COLUMNS: Final = (
    "layer",
    "operation",
    "output",
    "parameters",
    "MACs",
    "bytes",
    "inputs",
    "spec",
)


def _selected(heat: Heat | None, computed: dict[str, Heat]) -> str:
    """Return the name of the option for a heat, which is empty for the kinds."""
    if heat is None:
        return ""
    same = [
        name
        for name, each in computed.items()
        if (each.title, each.values) == (heat.title, heat.values)
    ]
    return same[0] if same else _FILE


def _options(quantities: dict[str, str]) -> str:
    return "".join(
        f'<option value="{value}">{escape(visible(title))}</option>'
        for value, title in quantities.items()
    )


def _rows(
    graph: LayerGraph,
    computed: dict[str, Heat],
    heat: Heat | None,
    marks: Marks | None,
) -> Iterator[str]:
    """Write a row of the table for each layer, which the script reads, too."""
    live, changes = graph.live(), marks.layers if marks else {}
    for path in graph.order():
        op, span = graph.op(path), graph.span(path)
        tensors = "; ".join(f"{p.name} {show(p.shape)}".strip() for p in op.parameters)
        numbers = [computed[each.value].values.get(path, "") for each in Quantity]
        words = _operation(op)
        if path in changes:
            words = f"{words}; {changes[path]}"
        cells = [f"<td>{escape(words)}</td>"]
        cells.append(f"<td><code>{escape(show(graph.shape(path)))}</code></td>")
        shown = [number and f"{number:,}" for number in numbers]
        cells += [f'<td class="number">{number}</td>' for number in shown]
        if tensors:
            titled = f'<td class="number" title="{escape(tensors)}">'
            cells[2] = cells[2].replace('<td class="number">', titled)
        cells.append(f"<td>{escape(' '.join(graph.inputs(path)))}</td>")
        place = "" if span is None else f"{visible(span.source.name)}:{span.line}"
        cells.append(f"<td>{escape(place)}</td>")
        if heat is not None:
            number = heat.write(heat.values[path]) if path in heat.values else ""
            cells.append(f'<td class="number">{escape(number)}</td>')
        unused = "" if path in live else " data-unused"
        name = escape(path)
        yield f'<tr{unused}><th scope="row">{name}</th>{"".join(cells)}</tr>\n'


def _operation(op: Op) -> str:
    """Write the class of an op and its summary, which may begin with the class."""
    name = type(op).__name__
    return op.summary if op.summary.startswith(name) else f"{name}: {op.summary}"


def _foldable(graph: LayerGraph, heat: Heat | None, marks: Marks | None) -> str:
    """Return the figure for the script, with the numbers of a file."""
    root = foldable_figure(graph, marks)
    values = heat.values if heat is not None else {}
    for element in root.iter("g"):
        if (path := element.get("id", "")) in values:
            element.set("data-heat", repr(float(values[path])))
    return ET.tostring(root, encoding="unicode")


def _policy(script: str, styles: list[str]) -> str:
    """Allow the script and the styles of the page, and nothing else."""
    allowed = " ".join(map(_digest, styles))
    return (
        f"default-src 'none'; script-src {_digest(script)}; style-src {allowed}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _text(name: str) -> str:
    return files("deit_spec.diagram").joinpath(name).read_text(encoding="utf-8")
