"""The layer graph, the rules it keeps, and the structure found in it."""

from deit_spec.graph.layer_graph import LayerGraph, Stage, Target
from deit_spec.graph.structure import Scope, build_scopes, runs
from deit_spec.graph.verify import IllegalGraphError, verify

__all__ = [
    "IllegalGraphError",
    "LayerGraph",
    "Scope",
    "Stage",
    "Target",
    "build_scopes",
    "runs",
    "verify",
]
