"""Inspect a checkpoint: what it is, and the spec that fits it."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deit_spec.diagnostics import Diagnostic, Severity
from deit_spec.diagnostics.printable import visible
from deit_spec.lowering import lower
from deit_spec.weights.inferred_spec import LAYER_SCALE, InferredSpec, infer_spec
from deit_spec.weights.make_plan import make_plan
from deit_spec.weights.plan import Plan
from deit_spec.weights.shape_info import checkpoint_shape_info
from deit_spec.weights.state_dict import Checkpoint
from deit_spec.weights.weight_findings import (
    EPS_NOTE,
    count,
    finding,
    shown,
    some,
)


@dataclass(frozen=True)
class Inspection:
    """What a checkpoint is, the values of a spec that fits it, and notes.

    `published` are the published models that have the same shapes.
    """

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
        tensors = count(len(checkpoint.tensors))
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
                lines.append(f"{key}: {_scalar(value)}")
                continue
            lines.append(f"{key}:")
            lines += [f"  {name}: {_scalar(item)}" for name, item in value.items()]
        return "".join(f"{line}\n" for line in lines)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and "." not in repr(value):
        return repr(value).replace("e", ".0e")
    return str(value)


def inspect(checkpoint: Checkpoint) -> Inspection:
    """Find the spec that fits a checkpoint.

    Raises:
        WeightsError: The checkpoint is not of a DeiT.
    """
    inferred = infer_spec(checkpoint, checkpoint_shape_info(checkpoint))
    plan = make_plan(lower(inferred.spec), checkpoint)
    closest = inferred.closest
    is_whole = not {"DS411", "DS412"} & {found.code for found in plan.diagnostics}
    return Inspection(
        checkpoint,
        inferred.values,
        closest.names if is_whole and closest and closest.is_exact else (),
        (*_find_assumptions(checkpoint, inferred), *_find_rest(inferred, plan)),
    )


def _find_rest(inferred: InferredSpec, plan: Plan) -> Iterator[Diagnostic]:
    """DS424: what of the checkpoint the spec does not describe."""
    notes = [
        (found.message, (*found.notes, "`plan` refuses this with any spec"))
        for found in plan.diagnostics
        if found.severity is Severity.ERROR
    ]
    for need in sorted(plan.needs):
        names = plan.needing(need)
        message = f"the model does not use {count(len(names))}: {some(names)}"
        notes.append((message, (f"`--allow {need}` drops them",)))
    if inferred.info.num_classes is None:
        message = "there is no head for the class token"
        notes.append((message, ("the model of the spec returns features",)))
    if inferred.config.get("attention_probs_dropout_prob"):
        message = "the config has dropout of attention weights, and a DeiT does not"
        notes.append((message, ("it only has an effect in training",)))
    for message, why in notes:
        yield finding("DS424", message, plan.checkpoint, notes=why)


def _find_assumptions(
    checkpoint: Checkpoint, inferred: InferredSpec
) -> Iterator[Diagnostic]:
    borrowed, closest = inferred.borrowed, inferred.closest
    if closest and borrowed:
        values = " and ".join(f"{field} {value}" for field, value in borrowed.items())
        first, *others = closest.names
        verb = "are" if len(borrowed) > 1 else "is"
        notes = [
            "no shape shows this",
            f"{first} is the closest published model: {closest.similarity}",
        ]
        if others:
            notes.append(f"{some(others)} would give the same")
        message = f"{values} {verb} taken from {first}"
        yield finding("DS423", message, checkpoint.name, notes=notes)
    elif "num_attention_heads" not in inferred.config:
        heads = inferred.num_heads
        width = inferred.info.embed_dim // heads
        message = f"num_heads is assumed to be {heads}, which makes heads {width} wide"
        why = ["neither a shape nor a config shows the number of heads"]
        yield finding("DS423", message, checkpoint.name, notes=why)
    if inferred.layer_scale is not None and "variant.layer_scale" not in borrowed:
        message = f"the initial value of layer scale is assumed to be {LAYER_SCALE}"
        why = ["the checkpoint has the trained values, which are loaded"]
        yield finding("DS423", message, checkpoint.name, notes=why)
    eps = inferred.config.get("layer_norm_eps")
    if closest and closest.is_exact and eps is not None:
        published = closest.specs[0]
        if eps != published.variant.layer_norm_eps:
            message = (
                f"layer_norm_eps is {eps} in the config and "
                f"{published.variant.layer_norm_eps} in {published.name}, which has "
                "the same shapes"
            )
            yield finding("DS423", message, checkpoint.name, notes=[EPS_NOTE])
