"""Ops from an image to tokens, and from tokens to the inputs of the heads."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

from deit_spec.ops.base import (
    Flow,
    FunctionOp,
    Init,
    Names,
    Op,
    Parameter,
    ParameterOp,
)
from deit_spec.ops.dim import (
    BATCH,
    Dim,
    Shape,
    ShapeError,
    expect_rank,
    expect_size,
    show,
)


@dataclass(frozen=True)
class Images(Op):
    """The input: a batch of square images, `[B, channels, S, S]`.

    With `channels_last` they are `[B, S, S, channels]`. `pixels` are bytes from 0 to
    255; other images are normalised.
    """

    channels: int
    side: int
    channels_last: bool = False
    pixels: bool = False

    arity: ClassVar[int | None] = 0

    def infer(self, *inputs: Shape) -> Shape:  # noqa: ARG002  -- there are none
        channels, side = Dim(self.channels), Dim(self.side)
        if self.channels_last:
            return (BATCH, side, side, channels)
        return (BATCH, channels, side, side)

    @property
    def item_size(self) -> int | None:
        return 1 if self.pixels else None

    @property
    def summary(self) -> str:
        plural = "s" if self.channels > 1 else ""
        return f"{self.side}×{self.side} pixels, {self.channels} channel{plural}"


@dataclass(frozen=True)
class FlattenGrid(FunctionOp):
    """`[B, C, G, G] -> [B, P, C]`: the patches in row-major order, `P = G²`."""

    patches: Dim

    flow: ClassVar[Flow] = Flow.LINE
    view: ClassVar[bool] = True

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_rank(x, 4)
        batch, width, rows, columns = x
        if rows.known * columns.known != self.patches.known:
            raise ShapeError(f"expects {self.patches} patches, not {rows} × {columns}")
        return (batch, self.patches, width)

    @property
    def summary(self) -> str:
        return "patches in rows"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"{inputs[0]}.flatten(2).transpose(1, 2)"


@dataclass(frozen=True)
class Table(ParameterOp):
    """A learnable `[1, rows, C]`: a token, or a table of positions."""

    rows: Dim
    width: Dim
    init: Init

    def infer(self, *inputs: Shape) -> Shape:  # noqa: ARG002  -- there are none
        return (Dim(1), self.rows, self.width)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        return (Parameter("", self.infer(), self.init),)

    @property
    def summary(self) -> str:
        return "learned"


@dataclass(frozen=True)
class ExpandBatch(FunctionOp):
    """`[1, T, C] -> [B, T, C]`: the same for every image."""

    flow: ClassVar[Flow] = Flow.LINE
    view: ClassVar[bool] = True

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_rank(x, 3)
        expect_size("a first dimension of", x[0], Dim(1))
        return (BATCH, *x[1:])

    @property
    def summary(self) -> str:
        return "for each image"

    def expression(self, names: Names, *inputs: str) -> str:
        return f"{inputs[0]}.expand({names.batch}, -1, -1)"


@dataclass(frozen=True)
class JoinTokens(FunctionOp):
    """`[B, a, C], [B, b, C], … -> [B, N, C]`, `N = a + b + …`."""

    tokens: Dim

    arity: ClassVar[int | None] = None
    flow: ClassVar[Flow] = Flow.LINE

    def infer(self, *inputs: Shape) -> Shape:
        first = inputs[0]
        for x in inputs:
            expect_rank(x, 3)
            expect_size("tokens of the same width,", x[2], first[2])
        total = sum(x[1].known for x in inputs)
        if total != self.tokens.known:
            counts = " + ".join(str(x[1].known) for x in inputs)
            raise ShapeError(
                f"cannot join {counts} = {total} tokens into {self.tokens}"
            )
        return (BATCH, self.tokens, first[2])

    @property
    def summary(self) -> str:
        return "concatenate"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"torch.cat(({', '.join(inputs)}), dim=1)"


@dataclass(frozen=True)
class TakeTokens(FunctionOp):
    """`[B, N, C] -> [B, R, C]`: the `R` tokens from index `first` on."""

    first: int
    tokens: Dim

    flow: ClassVar[Flow] = Flow.INLINE
    view: ClassVar[bool] = True

    @property
    def stop(self) -> int:
        """The index after the last token."""
        return self.first + self.tokens.known

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_rank(x, 3)
        if self.stop > x[1].known:
            raise ShapeError(
                f"cannot take tokens {self.first} to {self.stop - 1} of {show(x)}"
            )
        return (x[0], self.tokens, x[2])

    def tokens_read(self, argument: int, wanted: range | None) -> range | None:  # noqa: ARG002
        return range(self.first, self.stop)

    def without_tokens(self, count: int) -> Op:
        return replace(self, first=self.first - count)

    @property
    def summary(self) -> str:
        last = self.stop - 1
        return (
            f"token {last}" if last == self.first else f"tokens {self.first} to {last}"
        )

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"{inputs[0]}[:, {self.first or ''}:{self.stop}]"


@dataclass(frozen=True)
class ReadToken(FunctionOp):
    """`[B, N, C] -> [B, C]`, the token at an index of the sequence."""

    index: int

    flow: ClassVar[Flow] = Flow.INLINE
    view: ClassVar[bool] = True

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_rank(x, 3)
        if not 0 <= self.index < x[1].known:
            raise ShapeError(
                f"cannot read token {self.index} of {show(x)}, which has {x[1]}"
            )
        return (x[0], x[2])

    def tokens_read(self, argument: int, wanted: range | None) -> range | None:  # noqa: ARG002
        return range(self.index, self.index + 1)

    def without_tokens(self, count: int) -> Op:
        return replace(self, index=self.index - count)

    @property
    def summary(self) -> str:
        return f"token {self.index}"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"{inputs[0]}[:, {self.index}]"


@dataclass(frozen=True)
class MeanOfTokens(FunctionOp):
    """`[B, N, C] -> [B, C]`, the mean of the first `count` tokens."""

    count: int

    flow: ClassVar[Flow] = Flow.INLINE

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_rank(x, 3)
        if self.count > x[1].known:
            raise ShapeError(f"cannot average {self.count} tokens of {show(x)}")
        return (x[0], x[2])

    def tokens_read(self, argument: int, wanted: range | None) -> range | None:  # noqa: ARG002
        return range(self.count)

    @property
    def summary(self) -> str:
        return f"mean of tokens 0 to {self.count - 1}"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"{inputs[0]}[:, :{self.count}].mean(dim=1)"
