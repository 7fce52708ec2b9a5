"""Token merging: similar patches become one token, their mean.

"Token Merging: Your ViT But Faster", Bolya et al., ICLR 2023. The size of a token is
the number of patches in it.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from deit_spec.ops.attention import Attend
from deit_spec.ops.base import INT64, Flow, FunctionOp, Kept, Names
from deit_spec.ops.dim import Dim, Shape, ShapeError, expect_rank, expect_size, show
from deit_spec.ops.tap_values import AttentionWeights

_MATCH = '''\
def match_tokens(keys: Tensor, prefix: int, merged: int) -> Tensor:
    """Returns the index of each token after merging: [B, N, D] -> [B, N].

    Each patch at an even position proposes the most similar one at an odd position, by
    the cosine of their keys. The `merged` best proposals get the index of their partner
    (bipartite soft matching, Bolya et al. 2023). The first `prefix` tokens stay.
    """
    keys = F.normalize(keys.detach(), dim=2)
    first_even, first_odd = prefix + prefix % 2, prefix + (prefix + 1) % 2
    even, odd = keys[:, first_even::2], keys[:, first_odd::2]
    similarity, partner = (even @ odd.transpose(1, 2)).max(dim=2)
    best = similarity.argsort(dim=1, descending=True, stable=True)[:, :merged]
    stays = torch.ones_like(partner).scatter(1, best, 0)
    start = prefix + even.shape[1] - merged  # of the odd patches, after the even ones
    index = torch.arange(keys.shape[1], device=keys.device).repeat(keys.shape[0], 1)
    index[:, first_even::2] = torch.where(
        stays.bool(), prefix - 1 + stays.cumsum(dim=1), start + partner
    )
    index[:, first_odd::2] = start + torch.arange(odd.shape[1], device=keys.device)
    return index
'''
_SUM = '''\
def sum_tokens(x: Tensor, index: Tensor, merged: int) -> Tensor:
    """Sums the tokens with the same index: [B, N, C] -> [B, N - merged, C]."""
    batch, tokens, width = x.shape[0], x.shape[1] - merged, x.shape[2]
    rows = index + tokens * torch.arange(batch, device=x.device).unsqueeze(1)
    rows = rows.flatten().unsqueeze(1).expand(-1, width)
    total = x.new_zeros(batch * tokens, width).scatter_add(0, rows, x.flatten(0, 1))
    return total.unflatten(0, (batch, tokens))
'''


@dataclass(frozen=True)
class MeanOfHeads(FunctionOp):
    """`[B, H, N, D] -> [B, N, D]`: the keys by which tokens are compared."""

    flow: ClassVar[Flow] = Flow.LINE
    per_token: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_rank(x, 4)
        return (x[0], *x[2:])

    @property
    def summary(self) -> str:
        return "mean of heads"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"{inputs[0]}.mean(dim=1)"


@dataclass(frozen=True)
class MatchTokens(FunctionOp):
    """`[B, N, D] -> [B, N]`: the index of each token after `merged` are merged.

    Bipartite soft matching, section 3 of the paper and appendix D. The patches, which
    follow `prefix` other tokens, alternate: A at even positions of the sequence, B at
    odd ones. Each of A proposes the token of B with the largest cosine of the keys, and
    the `merged` best proposals are accepted. The order after merging is the prefix, the
    rest of A, and B. The cosines take `A·B·D` MACs.
    """

    prefix: int
    merged: int

    flow: ClassVar[Flow] = Flow.LINE
    lifted: ClassVar[tuple[tuple[str, str], ...]] = (("merged", "merged"),)
    support: ClassVar[str] = _MATCH

    def infer(self, *inputs: Shape) -> Shape:
        (keys,) = inputs
        expect_rank(keys, 3)
        patches = keys[1].known - self.prefix
        if not 0 < self.merged <= patches // 2:
            raise ShapeError(
                f"cannot merge {self.merged} of {patches} patches of {show(keys)}"
            )
        return keys[:2]

    def macs(self, *inputs: Shape) -> int:
        _, tokens, width = inputs[0]
        patches = tokens.known - self.prefix
        return (patches // 2) * (patches - patches // 2) * width.known

    @property
    def item_size(self) -> int | None:
        return INT64

    @property
    def summary(self) -> str:
        plural = "s" if self.merged > 1 else ""
        return f"match {self.merged} most similar pair{plural}"

    def expression(self, names: Names, *inputs: str) -> str:
        prefix = names.number("PREFIX_TOKENS", self.prefix)
        merged = names.number("MERGED", self.merged)
        return f"match_tokens({inputs[0]}, {prefix}, {merged})"


@dataclass(frozen=True)
class UnitSizes(FunctionOp):
    """`[B, N, C] -> [B, N, 1]`: the sizes of tokens that are not merged yet, all 1."""

    flow: ClassVar[Flow] = Flow.LINE

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        expect_rank(x, 3)
        return (*x[:2], Dim(1))

    def kept(self, *inputs: Shape) -> Kept:  # noqa: ARG002
        return Kept(output=True)  # for the sums of the block

    @property
    def summary(self) -> str:
        return "1 for each token"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"torch.ones_like({inputs[0]}[:, :, :1])"


@dataclass(frozen=True)
class MergeSizes(FunctionOp):
    """`[B, N, 1], [B, N] -> [B, N - merged, 1]`: the sums of sizes by index."""

    merged: int

    arity: ClassVar[int | None] = 2
    flow: ClassVar[Flow] = Flow.LINE
    lifted: ClassVar[tuple[tuple[str, str], ...]] = (("merged", "merged"),)
    resizes: ClassVar[str] = "N"
    support: ClassVar[str] = _SUM

    def infer(self, *inputs: Shape) -> Shape:
        sizes, index = inputs
        return _merged(sizes, index, self.merged)

    def kept(self, *inputs: Shape) -> Kept:  # noqa: ARG002
        return Kept(output=True)  # for the mean, and the sums of the next block

    @property
    def summary(self) -> str:
        return "sums of sizes"

    def expression(self, names: Names, *inputs: str) -> str:
        sizes, index = inputs
        return f"sum_tokens({sizes}, {index}, {names.number('MERGED', self.merged)})"


@dataclass(frozen=True)
class SumTokens(FunctionOp):
    """`[B, N, C], [B, N, 1], [B, N] -> [B, N - merged, C]`, weighted by sizes.

    `y_j = Σ s_i·x_i` over the tokens `i` with the index `j`. The first `prefix` tokens
    have the size 1 and do not change.
    """

    prefix: int
    merged: int

    arity: ClassVar[int | None] = 3
    flow: ClassVar[Flow] = Flow.LINE
    atoms: ClassVar[bool] = True
    lifted: ClassVar[tuple[tuple[str, str], ...]] = (("merged", "merged"),)
    resizes: ClassVar[str] = "N"
    support: ClassVar[str] = _SUM

    def infer(self, *inputs: Shape) -> Shape:
        x, sizes, index = inputs
        expect_rank(x, 3)
        expect_size("as many sizes as tokens,", sizes[1], x[1])
        return _merged(x, index, self.merged)

    def keeps_tokens(self, wanted: range | None) -> bool:
        return wanted is not None and wanted.stop <= self.prefix

    def kept(self, *inputs: Shape) -> Kept:
        return Kept(flags=INT64 * inputs[2][1].known)  # the indices

    @property
    def summary(self) -> str:
        plural = "s" if self.merged > 1 else ""
        return f"merge {self.merged} token{plural}"

    def expression(self, names: Names, *inputs: str) -> str:
        x, sizes, index = inputs
        merged = names.number("MERGED", self.merged)
        return f"sum_tokens({x} * {sizes}, {index}, {merged})"


@dataclass(frozen=True)
class DivideBySize(FunctionOp):
    """`[B, N, C], [B, N, 1] -> [B, N, C]`: the means of merged tokens.

    The first `prefix` tokens have the size 1 and do not change.
    """

    prefix: int

    per_token: ClassVar[tuple[int, ...]] = (0, 1)
    arity: ClassVar[int | None] = 2
    flow: ClassVar[Flow] = Flow.LINE
    atoms: ClassVar[bool] = True
    infix: ClassVar[bool] = True

    def infer(self, *inputs: Shape) -> Shape:
        x, sizes = inputs
        expect_rank(x, 3)
        expect_size("as many sizes as tokens,", sizes[1], x[1])
        return x

    def keeps_tokens(self, wanted: range | None) -> bool:
        return wanted is not None and wanted.stop <= self.prefix

    @property
    def summary(self) -> str:
        return "means by size"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"{inputs[0]} / {inputs[1]}"


@dataclass(frozen=True)
class LogSizes(FunctionOp):
    """`[B, N, 1] -> [B, 1, 1, N]`: the logarithms that are added to the scores."""

    flow: ClassVar[Flow] = Flow.LINE

    def infer(self, *inputs: Shape) -> Shape:
        (sizes,) = inputs
        expect_rank(sizes, 3)
        return (sizes[0], Dim(1), Dim(1), sizes[1])

    def kept(self, *inputs: Shape) -> Kept:  # noqa: ARG002
        return Kept(output=True)  # for the attention

    @property
    def summary(self) -> str:
        return "logarithms"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"{inputs[0]}.log().transpose(1, 2).unsqueeze(1)"


@dataclass(frozen=True)
class AttendBySize(Attend):
    """`softmax(q·kᵀ / √D + log s)·v` per head, with `log s` of `[B, 1, 1, M]`.

    Proportional attention, equation 1 of the paper: a token of size `s` counts as `s`
    equal tokens.
    """

    arity: ClassVar[int | None] = 4

    def infer(self, *inputs: Shape) -> Shape:
        expect_rank(inputs[3], 4)
        expect_size("as many sizes as keys,", inputs[3][3], inputs[1][2])
        return super().infer(*inputs[:3])

    @property
    def summary(self) -> str:
        return "softmax(q·kᵀ/√D + log s)·v"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        *qkv, bias = inputs
        return f"F.scaled_dot_product_attention({', '.join(qkv)}, attn_mask={bias})"


@dataclass(frozen=True)
class WeightsBySize(AttentionWeights):
    """`softmax(q·kᵀ / √D + log s)` per head: the weights of `AttendBySize`."""

    arity: ClassVar[int | None] = 3

    def infer(self, *inputs: Shape) -> Shape:
        expect_rank(inputs[2], 4)
        expect_size("as many sizes as keys,", inputs[2][3], inputs[1][2])
        return super().infer(*inputs[:2])

    def kept(self, *inputs: Shape) -> Kept:
        return super().kept(*inputs[:2])

    @property
    def summary(self) -> str:
        return "softmax(q·kᵀ/√D + log s)"

    def expression(self, names: Names, *inputs: str) -> str:
        q, k, bias = inputs
        width = names.dim(self.width)
        return f"({q} @ {k}.transpose(2, 3) / {width}**0.5 + {bias}).softmax(dim=3)"


def _merged(x: Shape, index: Shape, merged: int) -> Shape:
    """The shape of tokens after merging."""
    expect_rank(x, 3)
    expect_size("as many indices as tokens,", index[1], x[1])
    batch, tokens, width = x
    if not 0 < merged < tokens.known:
        raise ShapeError(f"cannot merge {merged} tokens of {show(x)}")
    return (batch, replace(tokens, size=tokens.known - merged), width)
