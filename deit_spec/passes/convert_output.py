"""Return the prediction as logits, as probabilities, or as the top classes."""

from typing import Literal, TypeAlias

from deit_spec.graph import LayerGraph
from deit_spec.ops import (
    LogMeanSoftmax,
    MeanSoftmax,
    ScoresOfClasses,
    Softmax,
    TopClasses,
)
from deit_spec.passes.infer_shapes import infer_shapes

Prediction: TypeAlias = Literal["logits", "probabilities", "topk"]


def convert_output(graph: LayerGraph, prediction: Prediction, k: int) -> LayerGraph:
    """Make the prediction the only output; a model without heads keeps its output.

    `topk` are two outputs: the `k` largest probabilities, and their classes. Logits of
    a model that averages probabilities are the logarithms of these.
    """
    path = graph.predict
    if path is None:
        return graph
    is_mean = isinstance(graph.op(path), MeanSoftmax)
    if prediction == "logits":
        if is_mean:
            graph.replace(path, LogMeanSoftmax(), graph.inputs(path))
        graph.outputs = {"logits": path}
        return graph
    if not is_mean:
        path = graph.add("softmax", Softmax(), [path], graph.span(path))
    graph.outputs, graph.predict = {"probabilities": path}, path
    if prediction == "topk":
        span = graph.span(path)
        classes = graph.add("top_classes", TopClasses(k), [path], span)
        scores = ScoresOfClasses()
        top = graph.add("top_probabilities", scores, [path, classes], span)
        graph.outputs = {"probabilities": top, "classes": classes}
        graph.predict = None
    return infer_shapes(graph)
