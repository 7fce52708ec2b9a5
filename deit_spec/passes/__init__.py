"""Passes, which rewrite the layer graph: one function per file.

`PASSES` defines their order for each target. A pass may modify the graph it is given,
and must return a graph that `verify` accepts.
"""

from collections.abc import Callable
from typing import TypeAlias

from deit_spec.graph import LayerGraph, Stage, Target, verify
from deit_spec.passes.drop_identities import drop_identities
from deit_spec.passes.drop_random import drop_random
from deit_spec.passes.infer_shapes import ShapeInferenceError, infer_shapes
from deit_spec.passes.return_prediction import return_prediction

Pass: TypeAlias = Callable[[LayerGraph], LayerGraph]

PASSES: dict[Target, tuple[Pass, ...]] = {
    Target.TRAIN: (infer_shapes, drop_identities),
    Target.INFERENCE: (infer_shapes, drop_random, return_prediction, drop_identities),
}


def run_passes(graph: LayerGraph, target: Target) -> LayerGraph:
    """Transform a lowered graph to its final form for a target.

    Raises:
        ShapeInferenceError: The input shapes of a layer are invalid.
        IllegalGraphError: A pass returned an invalid graph, which is a bug.
    """
    graph.target = target
    verify(graph)
    passes = PASSES[target]
    for step in passes:
        graph = step(graph)
        if step is passes[-1]:
            graph.stage = Stage.FINAL
        verify(graph)
    return graph


__all__ = [
    "PASSES",
    "Pass",
    "ShapeInferenceError",
    "drop_identities",
    "drop_random",
    "infer_shapes",
    "return_prediction",
    "run_passes",
]
