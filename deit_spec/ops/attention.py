"""The steps of multi-head self-attention (Vaswani et al. 2017, section 3.2)."""

from dataclasses import dataclass
from typing import ClassVar

from deit_spec.ops.base import Flow, FunctionOp, Kept, Names
from deit_spec.ops.dim import (
    Dim,
    Shape,
    ShapeError,
    elements,
    expect_rank,
    expect_size,
    show,
)


@dataclass(frozen=True)
class SplitHeads(FunctionOp):
    """`[B, N, parts·H·D] -> [B, N, parts, H, D]`."""

    parts: int
    heads: Dim
    width: Dim

    flow: ClassVar[Flow] = Flow.LINE
    view: ClassVar[bool] = True
    per_token: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_rank(x, 3)
        total = self.parts * self.heads.known * self.width.known
        if x[-1].known != total:
            raise ShapeError(
                f"cannot split {x[-1]} into {self.parts} × {self.heads} × {self.width}"
                f" = {total}"
            )
        return (*x[:-1], Dim(self.parts), self.heads, self.width)

    @property
    def summary(self) -> str:
        plural = "s" if self.heads.known > 1 else ""
        return f"{self.parts} × {self.heads.size} head{plural}"

    def expression(self, names: Names, *inputs: str) -> str:
        heads, width = names.dim(self.heads), names.dim(self.width)
        return f"{inputs[0]}.unflatten(2, ({self.parts}, {heads}, {width}))"


@dataclass(frozen=True)
class TakePart(FunctionOp):
    """`[B, N, parts, H, D] -> [B, H, N, D]`: the query, the key or the value."""

    index: int
    parts: int

    flow: ClassVar[Flow] = Flow.LINE
    view: ClassVar[bool] = True
    per_token: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_rank(x, 5)
        expect_size("parts", x[2], Dim(self.parts))
        batch, tokens, _, heads, width = x
        return (batch, heads, tokens, width)

    @property
    def summary(self) -> str:
        return f"part {self.index}"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"{self.all_parts(*inputs)}[{self.index}]"

    def all_parts(self, qkv: str) -> str:
        """A tensor that can be unpacked into all parts."""
        return f"{qkv}.permute(2, 0, 3, 1, 4)"


@dataclass(frozen=True)
class SeparateHeads(FunctionOp):
    """`[B, N, H·D] -> [B, H, N, D]`: the reverse of `MergeHeads`."""

    heads: Dim
    width: Dim

    flow: ClassVar[Flow] = Flow.LINE
    view: ClassVar[bool] = True
    per_token: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_rank(x, 3)
        batch, tokens, channels = x
        total = self.heads.known * self.width.known
        if channels.known != total:
            raise ShapeError(
                f"cannot split {channels} into {self.heads} × {self.width} = {total}"
            )
        return (batch, self.heads, tokens, self.width)

    @property
    def summary(self) -> str:
        plural = "s" if self.heads.known > 1 else ""
        return f"{self.heads.size} head{plural}"

    def expression(self, names: Names, *inputs: str) -> str:
        heads, width = names.dim(self.heads), names.dim(self.width)
        return f"{inputs[0]}.unflatten(2, ({heads}, {width})).transpose(1, 2)"


@dataclass(frozen=True)
class Attend(FunctionOp):
    """`softmax(q·kᵀ / √D)·v` per head: q `[B, H, N, D]`, k and v `[B, H, M, D]`.

    Vaswani et al. 2017, equation 1. The two matrix products take `2·H·N·M·D` MACs.
    A token of the output reads one query, and the keys and values of all tokens.
    """

    arity: ClassVar[int | None] = 3
    flow: ClassVar[Flow] = Flow.LINE
    per_token: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *inputs: Shape) -> Shape:
        q, k, v = inputs
        expect_rank(q, 4)
        if [d.size for d in k] != [d.size for d in v]:
            raise ShapeError(
                f"expects equal shapes of keys and values, not {show(k)} and {show(v)}"
            )
        expect_size("as many key heads as query heads,", k[1], q[1])
        expect_size("a key width of", k[3], q[3])
        return q

    def macs(self, *inputs: Shape) -> int:
        _, heads, tokens, width = inputs[0]
        return 2 * heads.known * tokens.known * inputs[1][2].known * width.known

    def kept(self, *inputs: Shape) -> Kept:
        # A fused kernel keeps one logarithm per query instead of the scores.
        return Kept(inputs=True, output=True, statistics=elements(inputs[0][:-1]))

    @property
    def summary(self) -> str:
        return "softmax(q·kᵀ/√D)·v"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"F.scaled_dot_product_attention({', '.join(inputs)})"


@dataclass(frozen=True)
class MergeHeads(FunctionOp):
    """`[B, H, N, D] -> [B, N, C]`, with `C = H·D`.

    A view, because fused attention writes its heads side by side.
    """

    width: Dim

    flow: ClassVar[Flow] = Flow.LINE
    view: ClassVar[bool] = True
    per_token: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_rank(x, 4)
        batch, heads, tokens, width = x
        if heads.known * width.known != self.width.known:
            raise ShapeError(
                f"cannot join {heads} × {width} = {heads.known * width.known} "
                f"channels into {self.width}"
            )
        return (batch, tokens, self.width)

    @property
    def summary(self) -> str:
        return "join heads"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"{inputs[0]}.transpose(1, 2).flatten(2)"
