"""The formats that are written, and what each of them cannot express.

What the classes of transformers and timm cannot hold is an error, what they compute
differently from tensors that they hold is a warning.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Literal

from deit_spec import ops
from deit_spec.diagnostics import Diagnostic
from deit_spec.weights.shape_info import GraphParameters
from deit_spec.weights.weight_findings import finding

TIMM_EPS = 1e-6
"""The epsilon of timm's `LayerNorm`, which no config changes."""
DROP_HEAD = (
    "`teacher_num_classes: null` in the spec and `--allow heads` drop the distillation "
    "head: transformers loads the rest as `DeiTForImageClassification`"
)
BOTH_HEADS = {
    "hf": "its output has both heads as `cls_logits` and `distillation_logits`",
    "timm": "with `x = model.forward_features(images)`, `model.head(x[:, 0])` and "
    "`model.head_dist(x[:, 1])` are the heads",
}


class To(Enum):
    """The library or repository whose format is written."""

    DEIT = "deit"
    TIMM = "timm"
    HF = "hf"

    @property
    def library(self) -> Literal["transformers", "timm"]:
        """The library that reads the format."""
        return "transformers" if self is To.HF else "timm"


def find_limits(model: GraphParameters, to: To, name: str) -> list[Diagnostic]:
    """DS421 and DS422: what a format cannot hold, and what is computed differently.

    `name` is the file that the findings are about.
    """
    if to is To.DEIT:
        return []
    refused = list(_unsupported(model, to))
    helps = list(_ways(model, to))
    found = [
        finding(
            "DS421",
            f"{to.library} does not support {setting}",
            name,
            secondary=model.label(field),
            helps=helps,
        )
        for field, setting in refused
    ]
    for field, message, *helps in _different(model, to):
        label = model.label(field)
        found.append(finding("DS422", message, name, secondary=label, helps=helps))
    return found


def _unsupported(model: GraphParameters, to: To) -> Iterator[tuple[str, str]]:
    """The fields that a library has no place for, and their settings in words."""
    info = model.info
    patches = "`variant.position_embedding: patches`"
    token, heads = info.distillation_token, (info.num_classes, info.teacher_num_classes)
    reads_mean = bool(model.ops(ops.MeanOfTokens))
    if to is To.HF and info.layer_scale:
        yield "variant.layer_scale", "`variant.layer_scale`"
    if info.position_embedding == "patches" and (to is To.HF or token):
        also = "" if to is To.HF else " with a distillation token"
        yield "variant.position_embedding", patches + also
    if reads_mean:
        yield "variant.readout", "`variant.readout: mean_tokens`"
    elif to is To.TIMM and token and heads[0] and not heads[1]:
        yield "teacher_num_classes", "a distillation token without its head"
    if None not in heads and heads[0] != heads[1]:
        yield "teacher_num_classes", f"heads of {heads[0]} and {heads[1]} classes"


def _ways(model: GraphParameters, to: To) -> Iterator[str]:
    """How a model that a library cannot hold can be converted."""
    refused = [field for field, _ in _unsupported(model, to)]
    if to is To.HF and refused == ["teacher_num_classes"]:
        yield DROP_HEAD
    for other in (To.HF, To.TIMM, To.DEIT):
        if other is To.DEIT or not any(_unsupported(model, other)):
            yield f"use `--to {other.value}`"
            return


def _different(model: GraphParameters, to: To) -> Iterator[tuple[str, ...]]:
    """Fields that a library treats in another way: how, and what can be done."""
    info, eps = model.info, model.ops(ops.LayerNorm)[0].eps
    one_size = info.num_classes == info.teacher_num_classes
    if info.num_classes and one_size and not model.ops(ops.MeanLogits):
        fused = f"{to.library} averages the logits of two heads"
        message = f"`variant.fusion` is not converted: {fused}"
        yield "variant.fusion", message, BOTH_HEADS[to.value]
    if model.ops(ops.SumTokens):
        message = f"`variant.merge_tokens` is not converted: {to.library} merges none"
        yield "variant.merge_tokens", message
    if to is To.TIMM:
        if eps != TIMM_EPS:
            field = "variant.layer_norm_eps"
            keyword = f"norm_layer=partial(timm.layers.LayerNorm, eps={eps})"
            message = f"`{field}` is not converted: timm computes with {TIMM_EPS}"
            yield field, message, f"pass `{keyword}` to `timm.create_model`"
        if info.distillation_token and info.num_classes is None:
            message = "the features of timm's model are the mean of both tokens"
            way = "`model.forward_features(images)[:, 0]` is the class token"
            yield "num_classes", message, way
        return
    if any(op.rate for op in model.ops(ops.DropPath)):
        reason = "transformers has no stochastic depth"
        yield "variant.drop_path", f"`variant.drop_path` is not converted: {reason}"
    if any(op.rate for op in model.ops(ops.Dropout)):
        place = "after the first linear layer of each MLP"
        message = f"`dropout` is not converted {place}: transformers has none there"
        yield "dropout", message
