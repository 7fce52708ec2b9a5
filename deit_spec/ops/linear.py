"""Linear layers: the dense layer and the patch projection."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from deit_spec.ops.base import (
    ZEROS,
    Init,
    Kept,
    ModuleOp,
    Names,
    Parameter,
    TorchDefault,
)
from deit_spec.ops.dim import (
    BATCH,
    Dim,
    Shape,
    ShapeError,
    elements,
    expect_rank,
    expect_size,
)


@dataclass(frozen=True)
class Linear(ModuleOp):
    """`[..., inputs] -> [..., outputs]`, y = x·Wᵀ + b."""

    inputs: Dim
    outputs: Dim
    init: Init
    bias: bool = True

    per_token: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_size("a last dimension of", x[-1], self.inputs)
        return (*x[:-1], self.outputs)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        weight = Parameter("weight", (self.outputs, self.inputs), self.init)
        bias = (Parameter("bias", (self.outputs,), ZEROS),) if self.bias else ()
        return (weight, *bias)

    def macs(self, *inputs: Shape) -> int:
        return elements(inputs[0]) * self.outputs.known

    def kept(self, *inputs: Shape) -> Kept:  # noqa: ARG002
        return Kept(inputs=True)

    @property
    def summary(self) -> str:
        return f"Linear {self.inputs.size} → {self.outputs.size}"

    @property
    def torch_type(self) -> str:
        return "nn.Linear"

    def arguments(self, names: Names) -> tuple[str, ...]:
        bias = () if self.bias else ("bias=False",)
        return (names.dim(self.inputs), names.dim(self.outputs), *bias)


@dataclass(frozen=True)
class PatchProjection(ModuleOp):
    """`[B, channels, S, S] -> [B, C, S/p, S/p]`, a convolution with stride p."""

    channels: int
    width: Dim
    patch: int

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_rank(x, 4)
        expect_size("channels", x[1], Dim(self.channels))
        rows, columns = (self._cut(side.known) for side in x[2:])
        return (BATCH, self.width, rows, columns)

    def _cut(self, side: int) -> Dim:
        if side % self.patch:
            raise ShapeError(
                f"cannot divide a side of {side} into patches of {self.patch}: "
                f"the remainder is {side % self.patch}"
            )
        return Dim(side // self.patch)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        kernel = Dim(self.patch)
        weight = (self.width, Dim(self.channels), kernel, kernel)
        return (
            Parameter("weight", weight, TorchDefault()),
            Parameter("bias", (self.width,), TorchDefault()),
        )

    def macs(self, *inputs: Shape) -> int:
        return elements(inputs[0]) * self.width.known

    def kept(self, *inputs: Shape) -> Kept:  # noqa: ARG002
        return Kept(inputs=True)

    @property
    def summary(self) -> str:
        return f"Conv {self.patch}×{self.patch}, stride {self.patch}"

    @property
    def torch_type(self) -> str:
        return "nn.Conv2d"

    def arguments(self, names: Names) -> tuple[str, ...]:
        patch = names.number("PATCH_SIZE", self.patch)
        return (
            names.number("CHANNELS", self.channels),
            names.dim(self.width),
            f"kernel_size={patch}",
            f"stride={patch}",
        )
