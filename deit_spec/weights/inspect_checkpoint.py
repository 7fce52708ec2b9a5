"""Inspect a checkpoint: what it is, and the spec that fits it."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from deit_spec.diagnostics import Diagnostic, Severity
from deit_spec.diagnostics.printable import counted, visible
from deit_spec.lowering import lower
from deit_spec.spec import DeiTSpec
from deit_spec.spec.field_names import SPEC
from deit_spec.weights.checkpoint import Checkpoint
from deit_spec.weights.make_plan import describe, make_plan
from deit_spec.weights.model_config import ModelConfig
from deit_spec.weights.plan import Plan
from deit_spec.weights.shape_info import (
    ShapeInfo,
    closest_published,
    has_unknown_parts,
    published_models,
)
from deit_spec.weights.spec_metadata import require_same, resolved_spec, spec_of
from deit_spec.weights.weight_findings import EPS_NOTE, finding, shown, some
from deit_spec.yaml_source.scalars import scalar_text

HEAD_WIDTH = 64
"""The width of an attention head in every published DeiT but one."""
EPS = 1e-6
SHOWN = (
    *("image_size", "patch_size", "in_channels"),
    *("embed_dim", "depth", "num_heads", "mlp_ratio"),
)
"""Fields that the YAML of a spec has even if they are the defaults."""
LAYER_SCALE = 1e-4
"""The initial layer scale of DeiT III."""


@dataclass(frozen=True)
class Inspection:
    """What a checkpoint is, a spec that fits, and published models of these shapes."""

    checkpoint: Checkpoint
    values: dict[str, Any]
    published: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def naming_scheme(self) -> str:
        """Which names the tensors have."""
        return self.checkpoint.names.scheme.title

    @property
    def parameters(self) -> int:
        """The total number of elements of the tensors."""
        return sum(math.prod(shape) for shape in self.checkpoint.shapes.values())

    @property
    def summary(self) -> list[str]:
        """A description of the checkpoint in a few lines."""
        checkpoint = self.checkpoint
        tensors = counted(len(checkpoint.tensors), "tensor")
        dtypes = " and ".join(checkpoint.dtypes)
        lines = [
            f"{checkpoint.format}; {self.naming_scheme}",
            f"{tensors}, {self.parameters:,} parameters, {dtypes}",
        ]
        if self.published:
            lines.append(f"the shapes of {' and '.join(self.published)}")
        if checkpoint.path:
            lines.append(f"under the key {shown('.'.join(checkpoint.path))}")
        if checkpoint.prefix:
            lines.append(f"with the prefix {shown(checkpoint.prefix)} in every name")
        if checkpoint.beside:
            lines.append(f"beside it: {some(checkpoint.beside)}")
        return lines

    def as_yaml(self) -> str:
        """The spec as YAML, with a description of the checkpoint above it."""
        lines = [f"# {visible(line)}" for line in self.summary]
        for key, value in self.values.items():
            if not isinstance(value, Mapping):
                lines.append(f"{key}: {scalar_text(value)}")
                continue
            lines.append(f"{key}:")
            lines += [f"  {name}: {scalar_text(item)}" for name, item in value.items()]
        return "".join(f"{line}\n" for line in lines)


def inspect(checkpoint: Checkpoint) -> Inspection:
    """Find the spec that fits a checkpoint, or raise a WeightsError."""
    if (spec := spec_of(checkpoint)) is not None:
        return _described(checkpoint, spec)
    info, found_config = describe(checkpoint)
    if has_unknown_parts(checkpoint):
        info = replace(info, qkv_bias=True)  # it may have another name
    config = _usable_config(found_config, info)
    closest = closest_published(info)
    heads = config.get("num_heads")
    if heads is None and closest is not None:
        heads = closest.num_heads
    values = _values(info, config, heads or nearest_heads(info.embed_dim))
    plan = make_plan(lower(DeiTSpec.model_validate(values)), checkpoint)
    is_whole = not plan.missing and not plan.left_over
    same = tuple(spec.name for spec, other in published_models() if other == info)
    assumed = _find_assumptions(checkpoint.name, info, config, values, closest)
    found = (*assumed, *_find_rest(info, plan))
    return Inspection(checkpoint, values, same if is_whole else (), found)


def _described(checkpoint: Checkpoint, spec: DeiTSpec) -> Inspection:
    """The spec in the metadata of a checkpoint, if it describes its tensors."""
    plan = make_plan(lower(spec), checkpoint)
    require_same(plan)
    info, _ = describe(checkpoint)
    same = tuple(each.name for each, other in published_models() if other == info)
    values = resolved_spec(spec)
    values["variant"] = {
        key: value
        for key, value in values["variant"].items()
        if value != SPEC.default_of(("variant", key))
    }
    values = {
        key: value
        for key, value in values.items()
        if key in SHOWN or (value and value != SPEC.default_of((key,)))
    }
    return Inspection(checkpoint, values, same, ())


def _usable_config(config: ModelConfig, info: ShapeInfo) -> dict[str, Any]:
    """The values of a config that a spec can have and no shape shows."""
    usable: dict[str, Any] = {}
    heads = config.get("num_heads")
    if type(heads) is int and heads > 0 and info.embed_dim % heads == 0:
        usable["num_heads"] = heads
    for key in ("layer_norm_eps", "dropout"):
        value = config.get(key)
        if type(value) is float and 0 < value < 1:
            usable[key] = value
    return usable


def nearest_heads(width: int) -> int:
    """The number of heads whose width is the nearest to 64.

    >>> nearest_heads(768), nearest_heads(100), nearest_heads(1_048_573)
    (12, 2, 1048573)
    """
    small = [n for n in range(1, math.isqrt(width) + 1) if width % n == 0]
    counts = sorted({*small, *(width // n for n in small)})
    return min(counts, key=lambda n: abs(width / n - HEAD_WIDTH))


def _values(info: ShapeInfo, config: Mapping[str, Any], heads: int) -> dict[str, Any]:
    """The spec. Defaults of `variant` and null class counts are left out."""
    variant = {
        "distillation_token": info.distillation_token,
        "position_embedding": info.position_embedding,
        "layer_scale": LAYER_SCALE if info.layer_scale else None,
        "qkv_bias": info.qkv_bias,
        "layer_norm_eps": config.get("layer_norm_eps", EPS),
    }
    changed = {
        key: value
        for key, value in variant.items()
        if value != SPEC.default_of(("variant", key))
    }
    optional = {
        "dropout": config.get("dropout"),
        "num_classes": info.num_classes,
        "teacher_num_classes": info.teacher_num_classes,
        "variant": changed or None,
    }
    return {
        "image_size": info.image_size,
        "patch_size": info.patch_size,
        "in_channels": info.in_channels,
        "embed_dim": info.embed_dim,
        "depth": info.depth,
        "num_heads": heads,
        "mlp_ratio": info.mlp_ratio,
        **{key: value for key, value in optional.items() if value is not None},
    }


def _find_assumptions(
    name: str,
    info: ShapeInfo,
    config: Mapping[str, Any],
    values: Mapping[str, Any],
    closest: DeiTSpec | None,
) -> Iterator[Diagnostic]:
    """DS423: values that neither a shape nor a config shows."""
    heads = values["num_heads"]
    if "num_heads" not in config:
        width = f"which makes heads {info.embed_dim // heads} wide"
        reason = f"as in {closest.name}" if closest else width
        message = f"num_heads is assumed to be {heads}, {reason}"
        cause = "the number of heads cannot be inferred from tensor shapes, and there "
        cause += "is no config"
        yield finding("DS423", message, name, notes=[cause])
    if info.layer_scale:
        message = f"the initial value of layer scale is assumed to be {LAYER_SCALE}"
        why = ["the checkpoint has the trained values, which are loaded"]
        yield finding("DS423", message, name, notes=why)
    if closest and config.get("layer_norm_eps", EPS) != EPS:
        usual = f"{closest.variant.layer_norm_eps} in {closest.name}"
        eps = config["layer_norm_eps"]
        message = f"layer_norm_eps is {eps} in the config and {usual}"
        yield finding("DS423", message, name, notes=[EPS_NOTE])


def _find_rest(info: ShapeInfo, plan: Plan) -> Iterator[Diagnostic]:
    """DS424: what of the checkpoint the spec does not describe."""
    notes = [
        (found.message, (*found.notes, "`plan` refuses this with any spec"))
        for found in plan.diagnostics
        if found.severity is Severity.ERROR
    ]
    for need in sorted(plan.needs):
        names = plan.needing(need)
        message = (
            f"the model does not use {counted(len(names), 'tensor')}: {some(names)}"
        )
        notes.append((message, (f"`--allow {need}` drops them",)))
    if info.num_classes is None:
        message = "there is no head for the class token"
        notes.append((message, ("the model of the spec returns features",)))
    for message, why in notes:
        yield finding("DS424", message, plan.checkpoint, notes=why)
