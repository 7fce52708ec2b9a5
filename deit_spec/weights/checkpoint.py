"""A checkpoint: named tensors, and what was found around them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from torch import Tensor

Sizes: TypeAlias = tuple[int, ...]
Progress: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, how many bytes are done, and how many there are."""


def no_progress(doing: str, done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Checkpoint:
    """What a file or a directory of weights holds.

    The tensors of safetensors files and of torch's zip files are mapped: their
    bytes are read where they are used. `path` is the keys that they were under,
    `beside` the other keys there, `config` a `config.json` of Hugging Face, and
    `prefix` what stood before every name.
    """

    name: str
    format: str
    tensors: Mapping[str, Tensor]
    path: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""

    @cached_property
    def shapes(self) -> dict[str, Sizes]:
        """The shape of each tensor."""
        return {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}

    @cached_property
    def dtypes(self) -> tuple[str, ...]:
        """The element types, sorted."""
        kinds = {str(tensor.dtype) for tensor in self.tensors.values()}
        return tuple(sorted(kind.removeprefix("torch.") for kind in kinds))
