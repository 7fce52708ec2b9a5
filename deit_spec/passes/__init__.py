"""Passes, which rewrite the layer graph: one function per file.

`passes_for` defines their order. A pass may modify the graph it is given, and must
return a graph that `verify` accepts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from deit_spec.diagnostics import Span
from deit_spec.graph import LayerGraph, Stage, Target, verify
from deit_spec.passes.add_taps import add_taps
from deit_spec.passes.convert_input import convert_input
from deit_spec.passes.convert_output import Prediction, convert_output
from deit_spec.passes.drop_identities import drop_identities
from deit_spec.passes.drop_random import drop_random
from deit_spec.passes.drop_unread_layers import drop_unread_layers
from deit_spec.passes.drop_unread_tokens import drop_unread_tokens
from deit_spec.passes.drop_unread_weights import drop_unread_weights
from deit_spec.passes.infer_shapes import ShapeInferenceError, infer_shapes
from deit_spec.passes.merge_tokens import merge_tokens
from deit_spec.passes.return_prediction import return_prediction

Pass: TypeAlias = Callable[[LayerGraph], LayerGraph]


@dataclass(frozen=True)
class PassOptions:
    """The options of passes.

    `drop_unread` is whether only the tokens that the outputs depend on are computed;
    None means only for inference. `taps` are patterns of the values that `forward`
    returns besides its outputs; None means those of the spec, whose locations are
    `tap_spans`. `until` is the value that the model ends at. `merge_tokens` is the
    number of patches that merge in each block, or a number for each block.

    The others are for exported models. `pixels` and `channels_last` describe the
    images. `prediction` is what the outputs are; None means those of the target. `k` is
    the number of classes of `topk`. `drop_weights` removes weights that are not read.
    """

    drop_unread: bool | None = None
    taps: tuple[str, ...] | None = None
    until: str | None = None
    tap_spans: Mapping[str, Span] = field(default_factory=dict)
    merge_tokens: int | tuple[int, ...] = 0
    pixels: bool = False
    channels_last: bool = False
    prediction: Prediction | None = None
    k: int = 5
    drop_weights: bool = False


def passes_for(target: Target, options: PassOptions) -> tuple[Pass, ...]:
    """The passes for a target, in their order."""
    inference = target is Target.INFERENCE
    drop_unread = options.drop_unread
    if drop_unread is None:
        drop_unread = inference
    taps, until = options.taps or (), options.until
    add = partial(add_taps, patterns=taps, spans=options.tap_spans, until=until)
    converts = options.pixels or options.channels_last
    convert = partial(
        convert_input, pixels=options.pixels, channels_last=options.channels_last
    )
    prediction = options.prediction
    predict = partial(convert_output, prediction=prediction or "logits", k=options.k)
    numbers = options.merge_tokens
    merge = partial(merge_tokens, merged=numbers)
    order: tuple[tuple[Pass, bool], ...] = (
        (infer_shapes, True),
        (merge, numbers > 0 if isinstance(numbers, int) else any(numbers)),
        (add, bool(taps) or until is not None),
        (drop_random, inference),
        (return_prediction, inference and prediction is None),
        (predict, prediction is not None),
        (convert, converts),
        (drop_identities, True),
        (drop_unread_layers, True),
        (drop_unread_weights, options.drop_weights),
        (drop_unread_tokens, drop_unread),
    )
    return tuple(step for step, wanted in order if wanted)


def run_passes(
    graph: LayerGraph, target: Target, options: PassOptions | None = None
) -> LayerGraph:
    """Transform a lowered graph to its final form for a target.

    Raises:
        ShapeInferenceError: The input shapes of a layer are invalid.
        TapError: A tap is unknown.
        IllegalGraphError: A pass returned an invalid graph, which is a bug.
    """
    graph.target = target
    verify(graph)
    passes = passes_for(target, options or PassOptions())
    for step in passes:
        graph = step(graph)
        if step is passes[-1]:
            graph.stage = Stage.FINAL
        verify(graph)
    return graph


__all__ = [
    "Pass",
    "PassOptions",
    "Prediction",
    "ShapeInferenceError",
    "add_taps",
    "convert_input",
    "convert_output",
    "drop_identities",
    "drop_random",
    "drop_unread_layers",
    "drop_unread_tokens",
    "drop_unread_weights",
    "infer_shapes",
    "merge_tokens",
    "passes_for",
    "return_prediction",
    "run_passes",
]
