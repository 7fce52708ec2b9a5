"""A graph as a figure, as a tree, and as JSON.

The layout of a figure is in `graph_view` (what to draw), `items` (layers and runs of
equal blocks), `area` (widths) and `arrange` (what is below and beside what). The text
painter is in `canvas`, `boxes`, `connectors`, `flow_painter` and `figure`.
"""

from deit_spec.diagram.figure import draw
from deit_spec.diagram.graph_json import as_json
from deit_spec.diagram.outline import tree

__all__ = ["as_json", "draw", "tree"]
