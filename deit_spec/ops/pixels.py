"""From the images that an exported model takes to those that its layers take."""

from dataclasses import dataclass
from typing import ClassVar

from deit_spec.ops.base import Flow, FunctionOp, Names
from deit_spec.ops.dim import Shape, expect_rank


@dataclass(frozen=True)
class ChannelsFirst(FunctionOp):
    """`[B, S, S, channels] -> [B, channels, S, S]`."""

    flow: ClassVar[Flow] = Flow.LINE
    view: ClassVar[bool] = True

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_rank(x, 4)
        batch, rows, columns, channels = x
        return (batch, channels, rows, columns)

    @property
    def summary(self) -> str:
        return "channels first"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"{inputs[0]}.permute(0, 3, 1, 2)"


@dataclass(frozen=True)
class PixelsToFloat(FunctionOp):
    """`[B, channels, S, S]`, bytes to floating-point numbers of the same values."""

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]

    @property
    def summary(self) -> str:
        return "bytes to floats"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"{inputs[0]}.float()"
