"""Whether a checkpoint is of the structure that a spec says."""

from collections.abc import Iterator
from typing import NamedTuple

from deit_spec.diagnostics import Diagnostic
from deit_spec.weights.checkpoint import Checkpoint
from deit_spec.weights.graph_parameters import Target
from deit_spec.weights.inferred_spec import divides, ratio, why_no_heads
from deit_spec.weights.naming_schemes import Dialect
from deit_spec.weights.shape_info import Facts
from deit_spec.weights.weight_findings import EPS_NOTE, finding, word, written


class _Difference(NamedTuple):
    """A field of the spec, and what is said of it."""

    field: str
    message: str
    notes: tuple[str, ...] = ()


def compare(
    target: Target, facts: Facts, checkpoint: Checkpoint, dialect: Dialect
) -> list[Diagnostic]:
    """Find what differs and cannot be changed, in the shapes and in the config."""
    found = [
        finding(
            "DS411",
            message,
            checkpoint.name,
            secondary=target.place(field),
            notes=(*notes, *target.default(field)),
        )
        for field, message, notes in _structure(target, facts)
    ]
    if dialect.is_hf and checkpoint.config:
        found += _config(target, checkpoint)
    return found


def _structure(target: Target, theirs: Facts) -> Iterator[_Difference]:
    ours = target.facts
    for field in ("embed_dim", "depth", "patch_size"):
        yield from _unequal(field, getattr(theirs, field), getattr(ours, field))
    yield from _mlp(theirs, ours)
    field = "position_embedding"
    found = getattr(theirs, field), getattr(ours, field)
    yield from _unequal(f"variant.{field}", *found)
    if theirs.layer_scale and not ours.layer_scale:
        message = "the checkpoint has layer scale, and variant.layer_scale is null"
        yield _Difference("variant.layer_scale", f"{message} in the spec")
    elif ours.layer_scale and not theirs.layer_scale:
        message = "the checkpoint has no layer scale, and variant.layer_scale is"
        yield _Difference(
            "variant.layer_scale", f"{message} {target.layer_scale} in the spec"
        )
    yield from _unequal("variant.qkv_bias", theirs.qkv_bias, ours.qkv_bias)


def _unequal(field: str, theirs: object, ours: object) -> Iterator[_Difference]:
    if theirs != ours:
        yield _Difference(
            field,
            f"{field} is {_plain(theirs)} in the checkpoint and "
            f"{_plain(ours)} in the spec",
        )


def _mlp(theirs: Facts, ours: Facts) -> Iterator[_Difference]:
    """Compare ratios: another embed_dim gives another width, and is said already."""
    one, other = (ratio(each.embed_dim, each.mlp_dim) for each in (theirs, ours))
    if int(theirs.embed_dim * other) != theirs.mlp_dim:
        widths = f"the MLP is {theirs.mlp_dim} wide in the checkpoint and "
        notes = (f"{widths}{ours.mlp_dim} in the spec",)
        message = f"mlp_ratio is {one} in the checkpoint and {other} in the spec"
        yield _Difference("mlp_ratio", message, notes)


def _plain(value: object) -> str:
    """A value as messages write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _config(target: Target, checkpoint: Checkpoint) -> Iterator[Diagnostic]:
    """What no shape shows, and a config beside the weights does."""
    config, name = checkpoint.config, checkpoint.name
    field = "num_heads"
    heads = config.get("num_attention_heads", target.num_heads)
    if heads != target.num_heads:
        width, said = target.facts.embed_dim, written(heads)
        yield finding(
            "DS415",
            f"{field} is {said} in the config and {target.num_heads} in the spec",
            name,
            secondary=target.place(field),
            notes=(*why_no_heads(heads, width), *target.default(field)),
            helps=[f"`{field}: {said}`"] if divides(heads, width) else [],
        )
    activation = config.get("hidden_act", "gelu")
    if activation != "gelu":
        yield finding(
            "DS415",
            f"the config has the activation {word(activation)}, and a DeiT has gelu",
            name,
        )
    field = "variant.layer_norm_eps"
    eps = config.get("layer_norm_eps", target.eps)
    if eps != target.eps:
        said = f"{written(eps)} in the config and {written(target.eps)} in the spec"
        yield finding(
            "DS416",
            f"layer_norm_eps is {said}",
            name,
            secondary=target.place(field),
            notes=[EPS_NOTE, *target.default(field)],
        )
