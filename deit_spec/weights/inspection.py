"""What a checkpoint is, and the spec that fits it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deit_spec.diagnostics import Diagnostic
from deit_spec.diagnostics.visible import visible
from deit_spec.weights.checkpoint import Checkpoint
from deit_spec.weights.dialects import Names
from deit_spec.weights.facts import Facts
from deit_spec.weights.identify import checkpoint_facts, name_tensors
from deit_spec.weights.problems import count, finding, some

HEAD_WIDTH = 64
"""The width of an attention head in every published DeiT."""
EPS = 1e-6
LAYER_SCALE = 1e-6
"""What layer scale begins with in timm's DeiT III."""


@dataclass(frozen=True)
class Inspection:
    """What was found: facts for a person, the spec's values, and notes."""

    checkpoint: Checkpoint
    dialect: str
    values: dict[str, Any]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def parameters(self) -> int:
        """How many numbers the tensors hold."""
        return sum(math.prod(shape) for shape in self.checkpoint.shapes.values())

    @property
    def summary(self) -> list[str]:
        """What the checkpoint is, in a few lines."""
        checkpoint = self.checkpoint
        tensors = count(len(checkpoint.tensors))
        dtypes = " and ".join(checkpoint.dtypes)
        lines = [
            f"{checkpoint.format}; {self.dialect}",
            f"{tensors}, {self.parameters:,} parameters, {dtypes}",
        ]
        if checkpoint.path:
            lines.append(f"under the key {'.'.join(checkpoint.path)}")
        if checkpoint.beside:
            lines.append(f"beside it: {some(checkpoint.beside)}")
        return lines


def inspect(checkpoint: Checkpoint) -> Inspection:
    """Find the spec that fits a checkpoint.

    Raises:
        WeightsError: The checkpoint is of no DeiT.
    """
    names = name_tensors(checkpoint)
    facts = checkpoint_facts(checkpoint, names)
    config = _usable(checkpoint.config) if names.dialect.is_hf else {}
    values = _values(facts, config)
    notes = tuple(_notes(checkpoint, facts, config, values["num_heads"], names))
    return Inspection(checkpoint, names.dialect.title, values, notes)


def _usable(config: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a config that a spec can have; anyone may have written it."""
    found: dict[str, Any] = {}
    heads = config.get("num_attention_heads")
    if type(heads) is int and heads > 0:
        found["num_attention_heads"] = heads
    for key, least in (("layer_norm_eps", math.ulp(0.0)), ("hidden_dropout_prob", 0)):
        value = config.get(key)
        if type(value) is float and least <= value < 1:
            found[key] = value
    return found


def as_yaml(inspection: Inspection) -> str:
    """The spec as YAML, with what the checkpoint is above it."""
    lines = [f"# {visible(line)}" for line in inspection.summary]
    for key, value in inspection.values.items():
        if not isinstance(value, Mapping):
            lines.append(f"{key}: {_scalar(value)}")
            continue
        lines.append(f"{key}:")
        lines += [f"  {name}: {_scalar(item)}" for name, item in value.items()]
    return "".join(f"{line}\n" for line in lines)


def as_json(inspection: Inspection) -> dict[str, Any]:
    """The same for programs."""
    checkpoint = inspection.checkpoint
    return {
        "checkpoint": checkpoint.name,
        "format": checkpoint.format,
        "dialect": inspection.dialect,
        "tensors": len(checkpoint.tensors),
        "parameters": inspection.parameters,
        "dtypes": list(checkpoint.dtypes),
        "path": list(checkpoint.path),
        "beside": list(checkpoint.beside),
        "spec": inspection.values,
        "notes": [each.message for each in inspection.diagnostics],
    }


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and "." not in repr(value):
        return repr(value).replace("e", ".0e")
    return str(value)


def _values(facts: Facts, config: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "image_size": facts.image_size,
        "patch_size": facts.patch_size,
        "in_channels": facts.in_channels,
        "embed_dim": facts.embed_dim,
        "depth": facts.depth,
        "num_heads": config.get("num_attention_heads", _heads(facts.embed_dim)),
        "mlp_ratio": _ratio(facts.embed_dim, facts.mlp_dim),
    }
    if rate := config.get("hidden_dropout_prob"):
        values["dropout"] = rate
    if facts.num_classes is not None:
        values["num_classes"] = facts.num_classes
    if facts.teacher_num_classes is not None:
        values["teacher_num_classes"] = facts.teacher_num_classes
    if variant := _variant(facts, config):
        values["variant"] = variant
    return values


def _variant(facts: Facts, config: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if not facts.distillation_token:
        found["distillation_token"] = False
    if facts.position_embedding != "all":
        found["position_embedding"] = facts.position_embedding
    if facts.layer_scale:
        found["layer_scale"] = LAYER_SCALE
    if not facts.qkv_bias:
        found["qkv_bias"] = False
    if config.get("layer_norm_eps", EPS) != EPS:
        found["layer_norm_eps"] = config["layer_norm_eps"]
    heads = (facts.num_classes, facts.teacher_num_classes)
    if None not in heads and heads[0] != heads[1]:
        found["fusion"] = "cls"
    return found


def _heads(width: int) -> int:
    """The heads that make a head's width 64, or the nearest to it that divides."""
    counts = [n for n in range(1, width + 1) if width % n == 0]
    return min(counts, key=lambda n: abs(width / n - HEAD_WIDTH))


def _ratio(width: int, hidden: int) -> float:
    """The ratio that gives a hidden width, which is rounded down."""
    ratio = hidden / width
    return ratio if int(width * ratio) == hidden else math.nextafter(ratio, math.inf)


def _notes(
    checkpoint: Checkpoint,
    facts: Facts,
    config: Mapping[str, Any],
    heads: int,
    names: Names,
) -> list[Diagnostic]:
    notes = []
    if "num_attention_heads" not in config:
        width = facts.embed_dim // heads
        message = f"num_heads is taken to be {heads}, of width {width}"
        why = "no shape shows the number of heads, and no config of its format is there"
        notes.append(finding("DS423", message, checkpoint.name, notes=[why]))
    if facts.layer_scale:
        message = f"variant.layer_scale is taken to begin with {LAYER_SCALE}"
        why = "a checkpoint holds what it became; loading takes that"
        notes.append(finding("DS423", message, checkpoint.name, notes=[why]))
    if names.unknown:
        message = f"{count(len(names.unknown))} of no DeiT: {some(names.unknown)}"
        notes.append(finding("DS423", message, checkpoint.name))
    return notes
