"""Pictures."""
from deit_spec.diagram.figure import draw
