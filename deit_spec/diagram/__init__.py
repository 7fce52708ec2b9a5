"""From the graph to pictures: a figure, a tree, and plain data."""

from deit_spec.diagram.document import as_json
from deit_spec.diagram.figure import draw
from deit_spec.diagram.outline import tree

__all__ = ["as_json", "draw", "tree"]
