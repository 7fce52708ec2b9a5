"""Find what a plan cannot reconcile between a checkpoint and a model."""

from collections.abc import Iterator, Sequence

from torch import Tensor

from deit_spec.diagnostics import Diagnostic
from deit_spec.weights.graph_parameters import GraphParameters
from deit_spec.weights.inferred_spec import divides, ratio
from deit_spec.weights.naming_schemes import has_effect
from deit_spec.weights.plan import Step
from deit_spec.weights.shape_info import ShapeInfo
from deit_spec.weights.state_dict import Checkpoint, Sizes
from deit_spec.weights.weight_findings import (
    EPS_NOTE,
    SAVE_AS_FLOAT,
    WeightsError,
    count,
    finding,
    shown,
    some,
    written,
)


def compare_structure(
    model: GraphParameters, theirs: ShapeInfo, checkpoint: Checkpoint
) -> Iterator[Diagnostic]:
    """DS411: what differs in structure, which nothing can change."""
    for field, found, wanted in _structure(model, theirs):
        yield finding(
            "DS411",
            f"{field} is {_plain(found)} in the checkpoint and "
            f"{_plain(wanted)} in the spec",
            checkpoint.name,
            secondary=model.label(field),
            notes=model.default(field),
        )


def _structure(
    model: GraphParameters, theirs: ShapeInfo
) -> Iterator[tuple[str, object, object]]:
    """Each field that differs, with its values in the checkpoint and in the spec."""
    ours = model.info
    pairs: dict[str, tuple[object, object]] = {
        field: (getattr(theirs, field), getattr(ours, field))
        for field in ("embed_dim", "depth", "patch_size")
    }
    # Ratios: another embed_dim makes another hidden width, and is reported already.
    one, other = (ratio(each.embed_dim, each.mlp_dim) for each in (theirs, ours))
    if int(theirs.embed_dim * other) != theirs.mlp_dim:
        pairs["mlp_ratio"] = one, other
    field = "position_embedding"
    pairs[f"variant.{field}"] = getattr(theirs, field), getattr(ours, field)
    if theirs.layer_scale != ours.layer_scale:
        set_ = "set" if theirs.layer_scale else None
        pairs["variant.layer_scale"] = set_, model.layer_scale
    pairs["variant.qkv_bias"] = theirs.qkv_bias, ours.qkv_bias
    for field, (found, wanted) in pairs.items():
        if found != wanted:
            yield field, found, wanted


def _plain(value: object) -> str:
    """A value as YAML writes it."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def compare_config(
    model: GraphParameters, checkpoint: Checkpoint
) -> Iterator[Diagnostic]:
    """DS415 and DS416: what a config of transformers shows and no shape does."""
    if not checkpoint.names.scheme.is_hf:
        return
    config, name = checkpoint.config, checkpoint.name
    field = "num_heads"
    heads = config.get("num_attention_heads", model.num_heads)
    if heads != model.num_heads:
        value, width = written(heads), model.info.embed_dim
        fits = divides(heads, width)
        why = [] if fits else [f"{value} is not an integer that divides {width}"]
        yield finding(
            "DS415",
            f"{field} is {value} in the config and {model.num_heads} in the spec",
            name,
            secondary=model.label(field),
            notes=[*why, *model.default(field)],
            helps=[f"`{field}: {value}`"] if fits else [],
        )
    activation = config.get("hidden_act", "gelu")
    if activation != "gelu":
        message = f"the activation is {written(activation)} in the config, not gelu"
        yield finding("DS415", message, name)
    field = "variant.layer_norm_eps"
    eps = config.get("layer_norm_eps", model.eps)
    if eps != model.eps:
        values = f"{written(eps)} in the config and {written(model.eps)} in the spec"
        yield finding(
            "DS416",
            f"layer_norm_eps is {values}",
            name,
            secondary=model.label(field),
            notes=[EPS_NOTE, *model.default(field)],
        )


def find_missing(
    missing: Sequence[str], checkpoint: Checkpoint
) -> Iterator[Diagnostic]:
    """DS412: tensors of the model that the checkpoint lacks."""
    if missing:
        yield finding(
            "DS412",
            f"the checkpoint lacks {count(len(missing))} of the model",
            checkpoint.name,
            notes=[f"missing: {some(missing)}"],
        )


def find_left_over(
    left_over: Sequence[str], checkpoint: Checkpoint
) -> Iterator[Diagnostic]:
    """DS413: tensors of the checkpoint that may have an effect on its output."""
    if not left_over:
        return
    unknown = set(checkpoint.names.unknown)
    strange = [n for n in left_over if n in unknown and not has_effect(n)]
    used = [name for name in left_over if name not in set(strange)]
    notes = []
    if used:
        verb = "have" if len(used) > 1 else "has"
        notes.append(f"{some(used)} {verb} an effect on the output")
    if strange:
        notes.append(f"unknown, with a possible effect on the output: {some(strange)}")
    yield finding(
        "DS413",
        f"the model does not use {count(len(left_over))} of the checkpoint",
        checkpoint.name,
        notes=notes,
    )


def find_other_shape(
    step: Step, wanted: Sizes | None, checkpoint: Checkpoint
) -> Iterator[Diagnostic]:
    """DS411: a tensor whose shape no rule expects, as in a damaged file."""
    shapes = [checkpoint.shapes[name] for name in step.sources]
    found = shapes[0] if shapes else ()
    if len(shapes) > 1:
        found = (sum(shape[0] for shape in shapes), *found[1:])
    if wanted and found != wanted:
        yield finding(
            "DS411",
            f"{step.name} is {list(found)} in the checkpoint, not {list(wanted)}",
            checkpoint.name,
        )


def find_other_types(
    names: Sequence[str], checkpoint: Checkpoint
) -> Iterator[Diagnostic]:
    """DS407: tensors of types that no model runs in, such as integers."""
    wrong = [name for name in names if not is_weight(checkpoint.tensors[name])]
    if wrong:
        first, *more = wrong
        kind = str(checkpoint.tensors[first].dtype).removeprefix("torch.")
        yield finding(
            "DS407",
            f"{shown(first)} has the type {kind}, which a model cannot use",
            checkpoint.name,
            notes=[f"as have {some(more)}"] if more else [],
            helps=[SAVE_AS_FLOAT],
        )


def require_weights(names: Sequence[str], checkpoint: Checkpoint) -> None:
    """Check that tensors are of types that models run in.

    Raises:
        WeightsError: One is not.
    """
    if found := list(find_other_types(names, checkpoint)):
        raise WeightsError(found)


def is_weight(tensor: Tensor) -> bool:
    """Whether a tensor has a floating-point type that models run in."""
    return tensor.dtype.is_floating_point and tensor.dtype.itemsize > 1
