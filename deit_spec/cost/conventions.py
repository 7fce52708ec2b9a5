"""What to count of a forward pass: published figures differ in this alone."""

from enum import Enum

from deit_spec.ops import Attend, Op, Shape


class Convention(Enum):
    """A way to count; docs/cost.md has the formulas."""

    MATMUL = "matmul"
    """Multiply-accumulates of matrix products, attention's two included."""
    FVCORE = "fvcore"
    """The same and 5 for each number that a LayerNorm takes, as fvcore and timm do."""
    NO_ATTENTION = "no-attention"
    """Multiply-accumulates without attention's two products."""
    FLOPS = "flops"
    """Floating-point operations: two for each multiply-accumulate."""

    @property
    def noun(self) -> str:
        """What is counted."""
        return "FLOPs" if self is Convention.FLOPS else "MACs"

    @property
    def meaning(self) -> str:
        """What it counts, on a line."""
        return _MEANINGS[self]


_MEANINGS = {
    Convention.MATMUL: "multiply-accumulates of matrix products, attention's included",
    Convention.FVCORE: "multiply-accumulates, and 5 for each number into a LayerNorm",
    Convention.NO_ATTENTION: "multiply-accumulates, without attention's two products",
    Convention.FLOPS: "two for each multiply-accumulate of a matrix product",
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
