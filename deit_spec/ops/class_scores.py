"""From logits to probabilities and to the most likely classes."""

from dataclasses import dataclass
from typing import ClassVar

from deit_spec.ops.base import INT64, Flow, FunctionOp, Names
from deit_spec.ops.dim import Dim, Shape, ShapeError, expect_rank, show


@dataclass(frozen=True)
class Softmax(FunctionOp):
    """`[B, K] -> [B, K]`, the probabilities of the classes."""

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_rank(x, 2)
        return x

    @property
    def summary(self) -> str:
        return "softmax"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"{inputs[0]}.softmax(dim=-1)"


@dataclass(frozen=True)
class TopClasses(FunctionOp):
    """`[B, K] -> [B, k]`, the indices of the `k` largest scores, largest first."""

    count: int

    flow: ClassVar[Flow] = Flow.LINE

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_rank(x, 2)
        if not 0 < self.count <= x[1].known:
            raise ShapeError(f"cannot take the top {self.count} of {show(x)}")
        return (x[0], Dim(self.count))

    @property
    def item_size(self) -> int | None:
        return INT64

    @property
    def summary(self) -> str:
        return f"top {self.count} classes"

    def expression(self, names: Names, *inputs: str) -> str:
        count = names.number("TOP_CLASSES", self.count)
        return f"{inputs[0]}.topk({count}).indices"


@dataclass(frozen=True)
class ScoresOfClasses(FunctionOp):
    """`[B, K], [B, k] -> [B, k]`, the scores of some classes of each image."""

    arity: ClassVar[int | None] = 2
    flow: ClassVar[Flow] = Flow.LINE

    def infer(self, *inputs: Shape) -> Shape:
        scores, classes = inputs
        expect_rank(scores, 2)
        expect_rank(classes, 2)
        return classes

    @property
    def summary(self) -> str:
        return "scores of these classes"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        scores, classes = inputs
        return f"{scores}.gather(1, {classes})"
