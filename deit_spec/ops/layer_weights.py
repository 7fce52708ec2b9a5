"""Layers that are not called, and ops that use a part of their weights."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from deit_spec.ops.base import Flow, FunctionOp, Kept, ModuleOp, Names, Parameter
from deit_spec.ops.dim import Dim, Shape, ShapeError, elements, expect_size


@dataclass(frozen=True)
class LayerWeights(ModuleOp):
    """A layer that is not called: other ops use its parameters, or nothing does.

    It stays a submodule, so names and shapes in the state dict do not change. Its
    shape is that of its first parameter.
    """

    layer: ModuleOp

    arity: ClassVar[int | None] = 0
    flow: ClassVar[Flow] = Flow.INLINE
    learned: ClassVar[bool] = True

    def infer(self, *inputs: Shape) -> Shape:  # noqa: ARG002  -- there are none
        return self.parameters[0].shape

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        return self.layer.parameters

    @property
    def summary(self) -> str:
        return f"weights of {self.layer.summary}"

    @property
    def torch_type(self) -> str:
        return self.layer.torch_type

    def arguments(self, names: Names) -> tuple[str, ...]:
        return self.layer.arguments(names)


@dataclass(frozen=True)
class LinearPart(FunctionOp):
    """`[..., C], [parts·W, C] -> [..., count·W]`: some rows of a linear layer.

    The second input is the layer, as `LayerWeights`. Of its `parts` equal parts of
    `width` rows, `count` are used from `first` on: `y = x·W[rows]ᵀ + b[rows]`.
    """

    first: int
    count: int
    parts: int
    width: Dim
    bias: bool

    arity: ClassVar[int | None] = 2
    flow: ClassVar[Flow] = Flow.LINE
    per_token: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *inputs: Shape) -> Shape:
        x, weight = inputs
        expect_size("a last dimension of", x[-1], weight[-1])
        expect_size("rows of weights,", weight[0], self.width.times(self.parts))
        if self.first + self.count > self.parts:
            last = self.first + self.count - 1
            raise ShapeError(f"cannot use part {last} of {self.parts}")
        return (*x[:-1], self.width.times(self.count))

    def macs(self, *inputs: Shape) -> int:
        return elements(inputs[0]) * self.width.known * self.count

    def kept(self, *inputs: Shape) -> Kept:  # noqa: ARG002
        return Kept(inputs=True)

    @property
    def summary(self) -> str:
        rows = (
            self.first * self.width.known,
            (self.first + self.count) * self.width.known,
        )
        return f"Linear, rows {rows[0]} to {rows[1] - 1}"

    def expression(self, names: Names, *inputs: str) -> str:
        x, layer = inputs
        rows = self._rows(names)
        bias = f", {layer}.bias[{rows}]" if self.bias else ""
        return f"F.linear({x}, {layer}.weight[{rows}]{bias})"

    def _rows(self, names: Names) -> str:
        first, stop = self.first, self.first + self.count
        start = names.dim(self.width.times(first)) if first else ""
        end = names.dim(self.width.times(stop)) if stop < self.parts else ""
        simple = start.isidentifier() and end.isidentifier()
        return f"{start} : {end}" if start and end and not simple else f"{start}:{end}"
