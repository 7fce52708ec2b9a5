"""Layers that scale channels: layer norm and layer scale."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from deit_spec.ops.base import (
    ONES,
    ZEROS,
    Constant,
    Kept,
    ModuleOp,
    Names,
    Parameter,
)
from deit_spec.ops.dim import Dim, Shape, elements, expect_size


@dataclass(frozen=True)
class LayerNorm(ModuleOp):
    """`[..., C] -> [..., C]`, zero mean and unit variance over C (Ba et al. 2016)."""

    width: Dim
    eps: float

    per_token: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_size("a last dimension of", x[-1], self.width)
        return x

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter("weight", (self.width,), ONES),
            Parameter("bias", (self.width,), ZEROS),
        )

    def norm_operations(self, *inputs: Shape) -> int:
        return 5 * elements(inputs[0])

    def kept(self, *inputs: Shape) -> Kept:
        # Also the mean and the standard deviation of each token.
        return Kept(inputs=True, statistics=2 * elements(inputs[0][:-1]))

    @property
    def torch_type(self) -> str:
        return "nn.LayerNorm"

    def arguments(self, names: Names) -> tuple[str, ...]:
        return (names.dim(self.width), f"eps={names.number('NORM_EPS', self.eps)}")


@dataclass(frozen=True)
class LayerScale(ModuleOp):
    """`[..., C] -> [..., C]`, a learnable factor per channel.

    "Going deeper with Image Transformers", Touvron et al. 2021, section 2.
    """

    width: Dim
    value: float

    per_token: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_size("a last dimension of", x[-1], self.width)
        return x

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        return (Parameter("gamma", (self.width,), Constant(self.value, "LAYER_SCALE")),)

    def kept(self, *inputs: Shape) -> Kept:  # noqa: ARG002
        return Kept(inputs=True)

    @property
    def torch_type(self) -> str:
        return "LayerScale"

    def arguments(self, names: Names) -> tuple[str, ...]:
        return (names.dim(self.width),)

    support: ClassVar[str] = '''\
class LayerScale(nn.Module):
    """A learnable factor per channel (CaiT, Touvron et al. 2021)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.empty(dim))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma
'''
