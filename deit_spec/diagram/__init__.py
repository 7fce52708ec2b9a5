"""A graph as a figure, as a tree, and as JSON."""

from deit_spec.diagram.figure import draw
from deit_spec.diagram.graph_json import as_json
from deit_spec.diagram.outline import tree

__all__ = ["as_json", "draw", "tree"]
