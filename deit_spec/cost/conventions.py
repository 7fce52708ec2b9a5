"""Conventions for counting the operations of a forward pass."""

from enum import Enum

from deit_spec.ops import Attend, Op, Shape


class Convention(Enum):
    """A counting convention; see docs/cost.md for the formulas."""

    MATMUL = "matmul"
    """Multiply-accumulates of matrix products, including the two of attention."""
    FVCORE = "fvcore"
    """`matmul` plus 5 per element of LayerNorm inputs, as in fvcore and timm."""
    NO_ATTENTION = "no-attention"
    """`matmul` without the two products of attention."""
    FLOPS = "flops"
    """Floating-point operations, two per multiply-accumulate."""

    @property
    def noun(self) -> str:
        """The unit that is counted."""
        return "FLOPs" if self is Convention.FLOPS else "MACs"

    @property
    def meaning(self) -> str:
        """A one-line description."""
        return _MEANINGS[self]


_MEANINGS = {
    Convention.MATMUL: "multiply-accumulates of matrix products, including attention",
    Convention.FVCORE: "multiply-accumulates, plus 5 per element of LayerNorm inputs",
    Convention.NO_ATTENTION: "multiply-accumulates, without those inside attention",
    Convention.FLOPS: "floating-point operations, two per multiply-accumulate",
}


def count(convention: Convention, op: Op, inputs: tuple[Shape, ...]) -> int:
    """Count what one layer does for one image."""
    macs = op.macs(*inputs)
    match convention:
        case Convention.MATMUL:
            return macs
        case Convention.FVCORE:
            return macs + op.norm_operations(*inputs)
        case Convention.NO_ATTENTION:
            return 0 if isinstance(op, Attend) else macs
        case Convention.FLOPS:
            return 2 * macs
