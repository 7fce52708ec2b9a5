"""The layer graph, its invariants, and the detection of repeated structure."""

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
