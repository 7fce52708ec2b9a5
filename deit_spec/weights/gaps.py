"""Whether a checkpoint has all of the model that its shapes are of, and no more."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deit_spec.lowering import lower
from deit_spec.spec import DeiTSpec
from deit_spec.weights.checkpoint import Checkpoint, Sizes
from deit_spec.weights.graph_parameters import Target
from deit_spec.weights.identify import our_shapes, takes_no_part
from deit_spec.weights.naming_schemes import Names

_FIRST = "blocks.0."


@dataclass(frozen=True)
class Gaps:
    """How a checkpoint differs from the model of the spec that is found for it.

    `missing`, `misshapen` and `surplus` are our names, the last of tensors that
    a DeiT may have but this one has not; `foreign` are the checkpoint's, of
    tensors that no DeiT has and that may take part in the output.
    """

    missing: tuple[str, ...]
    misshapen: tuple[str, ...]
    surplus: tuple[str, ...]
    foreign: tuple[str, ...]

    @property
    def none(self) -> bool:
        """Whether the spec that is found takes the checkpoint."""
        return not (self.missing or self.misshapen or self.surplus or self.foreign)


def find_gaps(checkpoint: Checkpoint, names: Names, values: Mapping[str, Any]) -> Gaps:
    """Compare a checkpoint with the model of a spec's values, in O(tensors)."""
    found, wanted = our_shapes(checkpoint, names), model_shapes(values)
    # A part of what is fused may be missing: then the fused tensor has no shape.
    return Gaps(
        tuple(name for name in wanted if name not in found),
        tuple(name for name in wanted if found.get(name, ()) not in (wanted[name], ())),
        tuple(name for name in names.theirs if name not in wanted),
        tuple(name for name in names.unknown if not takes_no_part(name)),
    )


def model_shapes(values: Mapping[str, Any]) -> dict[str, Sizes]:
    """The shapes of a spec's model, by way of a model of one block."""
    spec = DeiTSpec.model_validate({**values, "depth": 1})
    shapes: dict[str, Sizes] = {}
    for name, shape in Target(lower(spec)).shapes.items():
        if not name.startswith(_FIRST):
            shapes[name] = shape
            continue
        rest = name.removeprefix(_FIRST)
        shapes |= {f"blocks.{i}.{rest}": shape for i in range(values["depth"])}
    return shapes
