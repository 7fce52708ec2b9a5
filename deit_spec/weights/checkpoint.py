"""A checkpoint: named tensors, and what is known about them without reading any.

This does not import torch, so that plans can be made from names and shapes alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from deit_spec.weights.naming_schemes import TensorNames, recognise
from deit_spec.weights.weight_findings import help_with_keys, refuse, some

if TYPE_CHECKING:
    from torch import Tensor

Sizes: TypeAlias = tuple[int, ...]

KNOWN = "the names of DeiT, timm, transformers, BEiT and OpenMMLab are known"


@dataclass(frozen=True)
class Checkpoint:
    """What a file or a directory of weights contains; tensors are mapped, if possible.

    `path` is the keys that lead to the tensors, `beside` the others on the way,
    `prefix` what was removed from every name, and `config` a `config.json`. Where this
    is not a complete DeiT, `models` are the keys of those that are.
    """

    name: str
    format: str
    tensors: Mapping[str, "Tensor"]
    path: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    models: tuple[str, ...] = ()

    @cached_property
    def shapes(self) -> dict[str, Sizes]:
        """The shape of each tensor."""
        return {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}

    @cached_property
    def dtypes(self) -> tuple[str, ...]:
        """The element types, sorted."""
        kinds = {str(tensor.dtype) for tensor in self.tensors.values()}
        return tuple(sorted(kind.removeprefix("torch.") for kind in kinds))

    @cached_property
    def names(self) -> TensorNames:
        """The tensor names, translated to ours; a WeightsError for unknown schemes."""
        names = recognise(self.tensors)
        if names is None:
            raise refuse(
                "DS406",
                "the tensor names do not match any known DeiT naming scheme",
                self.name,
                notes=[f"it has {some(self.tensors)}", KNOWN],
                helps=help_with_keys(self.models),
            )
        return names


class _Float32(NamedTuple):
    """The properties of `torch.float32` that a plan depends on."""

    is_floating_point: bool = True
    itemsize: int = 4

    def __str__(self) -> str:
        return "torch.float32"


class _Shape(NamedTuple):
    """A tensor without numbers."""

    shape: Sizes
    dtype: _Float32 = _Float32()


def checkpoint_of_shapes(name: str, shapes: Mapping[str, Sizes]) -> Checkpoint:
    """Describe a checkpoint with these tensors, for plans that are not executed."""
    tensors = {key: _Shape(shape) for key, shape in shapes.items()}
    return Checkpoint(name, "a spec", cast("Mapping[str, Tensor]", tensors))
