"""A graph as a figure, as a tree, in other tools' text formats, and as JSON.

The layout of a figure is in `graph_view` (what to draw), `zero_rates` (layers that
make blocks equal), `items` (layers and runs of equal blocks), `groups` (what a node
represents), `area` (widths) and `arrange` (what is below and beside what). The text
painter is in `canvas`, `boxes`, `connectors`, `flow_painter` and `figure`. The vector
painter is in `text_width`, `box_text`, `vector_plan`, `vector_layout`, `palette`,
`heat` and `svg`; `inline_figure` is for notebooks. The page is in `fold_layout`,
`fold_painter` and `html_page`. The tree is in `outline`, the other formats are in
`graph_text`, `graph_json` and `model_explorer`. `marks` has what differs from another
graph.
"""

from deit_spec.diagram.figure import draw
from deit_spec.diagram.graph_json import as_json
from deit_spec.diagram.graph_text import as_d2, as_dot, as_mermaid
from deit_spec.diagram.groups import Detail
from deit_spec.diagram.heat import Heat, Quantity, computed_heat, read_heat
from deit_spec.diagram.html_page import as_html
from deit_spec.diagram.inline_figure import inline_figure
from deit_spec.diagram.marks import Fate, Mark, Marks
from deit_spec.diagram.model_explorer import as_model_explorer, as_node_data
from deit_spec.diagram.outline import tree
from deit_spec.diagram.svg import as_svg, convert_svg

__all__ = [
    "Detail",
    "Fate",
    "Heat",
    "Mark",
    "Marks",
    "Quantity",
    "as_d2",
    "as_dot",
    "as_html",
    "as_json",
    "as_mermaid",
    "as_model_explorer",
    "as_node_data",
    "as_svg",
    "computed_heat",
    "convert_svg",
    "draw",
    "inline_figure",
    "read_heat",
    "tree",
]
