"""Find what a plan cannot reconcile between a checkpoint and a model."""

from collections.abc import Iterator, Sequence

from torch import Tensor

from deit_spec.diagnostics import Diagnostic
from deit_spec.weights.graph_parameters import GraphParameters
from deit_spec.weights.shape_info import ShapeInfo
from deit_spec.weights.state_dict import Checkpoint
from deit_spec.weights.weight_findings import (
    EPS_NOTE,
    SAVE_AS_FLOAT,
    count,
    finding,
    shown,
    some,
    written,
)
from deit_spec.yaml_source.scalars import value_text

STRUCTURE = (
    "embed_dim",
    "depth",
    "patch_size",
    "mlp_ratio",
    "variant.position_embedding",
    "variant.layer_scale",
    "variant.qkv_bias",
)
"""The fields that nothing can change: checkpoint and spec must agree on them."""


def compare_structure(
    model: GraphParameters, theirs: ShapeInfo, checkpoint: Checkpoint
) -> Iterator[Diagnostic]:
    """DS411: what differs in structure, which nothing can change."""
    for field in STRUCTURE:
        name = field.removeprefix("variant.")
        found, wanted = (getattr(each, name) for each in (theirs, model.info))
        if name == "layer_scale":  # shapes do not show its initial value
            found, wanted = ("set" if each else None for each in (found, wanted))
        if found != wanted:
            yield finding(
                "DS411",
                f"{field} is {value_text(found)} in the checkpoint and "
                f"{value_text(wanted)} in the spec",
                checkpoint.name,
                secondary=model.label(field),
                notes=model.default(field),
            )


def compare_config(
    model: GraphParameters, checkpoint: Checkpoint
) -> Iterator[Diagnostic]:
    """DS415 and DS416: what a config of transformers shows and no shape does."""
    if not checkpoint.names.scheme.is_hf:
        return
    config, name = checkpoint.config, checkpoint.name
    activation = config.get("hidden_act", "gelu")
    if activation != "gelu":
        message = f"the activation is {written(activation)} in the config, not gelu"
        yield finding("DS415", message, name)
    for code, field, key, ours, notes in (
        ("DS415", "num_heads", "num_attention_heads", model.num_heads, []),
        ("DS416", "variant.layer_norm_eps", "layer_norm_eps", model.eps, [EPS_NOTE]),
    ):
        value = config.get(key, ours)
        if value != ours:
            yield finding(
                code,
                f"{field.removeprefix('variant.')} is {written(value)} in the config "
                f"and {written(ours)} in the spec",
                name,
                secondary=model.label(field),
                notes=[*notes, *model.default(field)],
            )


def find_unmatched(
    missing: Sequence[str], left_over: Sequence[str], name: str
) -> Iterator[Diagnostic]:
    """DS412 and DS413: tensors of the model or of the checkpoint alone.

    Those of the checkpoint may have an effect on its output.
    """
    if missing:
        message = f"the checkpoint lacks {count(len(missing))} of the model"
        yield finding("DS412", message, name, notes=[f"missing: {some(missing)}"])
    if left_over:
        message = f"the model does not use {count(len(left_over))} of the checkpoint"
        notes = [f"may affect the output: {some(left_over)}"]
        yield finding("DS413", message, name, notes=notes)


def find_other_types(
    names: Sequence[str], checkpoint: Checkpoint
) -> Iterator[Diagnostic]:
    """DS407: tensors of types that no model runs in, such as integers."""
    if names:
        dtype = str(checkpoint.tensors[names[0]].dtype).removeprefix("torch.")
        more = names[1:]
        yield finding(
            "DS407",
            f"{shown(names[0])} has the type {dtype}, which a model cannot use",
            checkpoint.name,
            notes=[f"{count(len(more))} more: {some(more)}"] if more else [],
            helps=[SAVE_AS_FLOAT],
        )


def is_weight(tensor: Tensor) -> bool:
    """Whether a tensor has a floating-point type that models run in."""
    return tensor.dtype.is_floating_point and tensor.dtype.itemsize > 1
