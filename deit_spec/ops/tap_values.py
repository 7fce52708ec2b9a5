"""Values beside the flow of a model: attention weights, and patches as a grid."""

from dataclasses import dataclass, replace
from typing import ClassVar

from deit_spec.ops.base import Flow, FunctionOp, Kept, Names, Op
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
class AttentionWeights(FunctionOp):
    """`softmax(q·kᵀ / √D)` per head: `[B, H, N, D], [B, H, M, D] -> [B, H, N, M]`.

    The weights that `Attend` applies to the values (Vaswani et al. 2017, equation 1).
    """

    width: Dim

    arity: ClassVar[int | None] = 2
    flow: ClassVar[Flow] = Flow.LINE

    def infer(self, *inputs: Shape) -> Shape:
        q, k = inputs
        _expect_heads(q, k)
        expect_size("a head width of", q[3], self.width)
        return (*q[:3], k[2])

    def macs(self, *inputs: Shape) -> int:
        return elements(inputs[0]) * inputs[1][2].known

    def kept(self, *inputs: Shape) -> Kept:
        # The heads of a token lie side by side, so those of several images do not have
        # a constant distance, which a batched product needs.
        return Kept(output=True, copies=sum(map(elements, inputs)))

    @property
    def summary(self) -> str:
        return "softmax(q·kᵀ/√D)"

    def expression(self, names: Names, *inputs: str) -> str:
        q, k = inputs
        width = names.dim(self.width)
        return f"({q} @ {k}.transpose(2, 3) / {width}**0.5).softmax(dim=3)"


@dataclass(frozen=True)
class TokenScores(FunctionOp):
    """`q·kᵀ` of the query of one token: `[B, H, N, D], [B, H, M, D] -> [B, H, M]`."""

    token: int

    arity: ClassVar[int | None] = 2
    flow: ClassVar[Flow] = Flow.LINE

    def infer(self, *inputs: Shape) -> Shape:
        q, k = inputs
        _expect_heads(q, k)
        if not 0 <= self.token < q[2].known:
            raise ShapeError(f"cannot read query {self.token} of {show(q)}")
        return k[:3]

    def tokens_read(self, argument: int, wanted: range | None) -> range | None:  # noqa: ARG002
        return None if argument else range(self.token, self.token + 1)

    def without_tokens(self, count: int) -> Op:
        return replace(self, token=self.token - count)

    def macs(self, *inputs: Shape) -> int:
        return elements(inputs[1])

    def kept(self, *inputs: Shape) -> Kept:  # noqa: ARG002
        return Kept(inputs=True)

    @property
    def summary(self) -> str:
        return f"q·kᵀ of token {self.token}"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        q, k = inputs
        # A batched product would first copy the keys, whose heads lie side by side.
        return f"({q}[:, :, {self.token}, None] * {k}).sum(dim=3)"


@dataclass(frozen=True)
class PatchWeights(FunctionOp):
    """`softmax(scores / √D)` over all tokens, of the patches: `[B, H, N] -> [B, H, P]`.

    The patches are the tokens from index `first` on.
    """

    width: Dim
    first: int
    patches: Dim

    flow: ClassVar[Flow] = Flow.LINE

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_rank(x, 3)
        _expect_patches(x, x[2], self.first, self.patches)
        return (*x[:2], self.patches)

    def kept(self, *inputs: Shape) -> Kept:
        return Kept(numbers=elements(inputs[0]))  # the result of the softmax

    @property
    def summary(self) -> str:
        last = self.first + self.patches.known - 1
        return f"softmax(·/√D), tokens {self.first} to {last}"

    def expression(self, names: Names, *inputs: str) -> str:
        width = names.dim(self.width)
        return f"({inputs[0]} / {width}**0.5).softmax(dim=2)[:, :, {self.first}:]"


@dataclass(frozen=True)
class PatchGrid(FunctionOp):
    """`[B, N, C] -> [B, C, rows, columns]`: the patch tokens as a feature map.

    The patches are the tokens from index `first` on, in row-major order.
    """

    first: int
    rows: Dim
    columns: Dim

    flow: ClassVar[Flow] = Flow.LINE
    view: ClassVar[bool] = True

    @property
    def patches(self) -> Dim:
        """The number of patches."""
        return Dim(self.rows.known * self.columns.known, "P")

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_rank(x, 3)
        _expect_patches(x, x[1], self.first, self.patches)
        return (x[0], x[2], self.rows, self.columns)

    def tokens_read(self, argument: int, wanted: range | None) -> range | None:  # noqa: ARG002
        return range(self.first, self.first + self.patches.known)

    def without_tokens(self, count: int) -> Op:
        return replace(self, first=self.first - count)

    @property
    def summary(self) -> str:
        return f"patches as {self.rows.size} × {self.columns.size}"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        patches = f"{inputs[0]}[:, {self.first}:]" if self.first else inputs[0]
        grid = f"({self.rows.size}, {self.columns.size})"
        return f"{patches}.transpose(1, 2).unflatten(2, {grid})"


def _expect_heads(q: Shape, k: Shape) -> None:
    expect_rank(q, 4)
    expect_rank(k, 4)
    expect_size("as many key heads as query heads,", k[1], q[1])
    expect_size("a key width of", k[3], q[3])


def _expect_patches(x: Shape, tokens: Dim, first: int, patches: Dim) -> None:
    if tokens.known != first + patches.known:
        raise ShapeError(f"expects {first} + {patches} tokens, not {tokens}: {show(x)}")
