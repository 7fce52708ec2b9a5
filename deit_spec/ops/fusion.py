"""The combination of two heads (DeiT, Touvron et al. 2021, section 4)."""

from dataclasses import dataclass
from typing import ClassVar

from deit_spec.ops.base import Flow, FunctionOp, Kept, Names
from deit_spec.ops.dim import Shape, ShapeError, elements, same_sizes, show


class _Mean(FunctionOp):
    """The mean of two heads, which requires equal class counts."""

    arity: ClassVar[int | None] = 2
    flow: ClassVar[Flow] = Flow.LINE
    atoms: ClassVar[bool] = True
    infix: ClassVar[bool] = True

    def infer(self, *inputs: Shape) -> Shape:
        cls, dist = inputs
        if not same_sizes(cls, dist):
            raise ShapeError(f"cannot average heads of {show(cls)} and {show(dist)}")
        return cls


@dataclass(frozen=True)
class MeanLogits(_Mean):
    """`[B, K], [B, K] -> [B, K]`, the mean of the logits."""

    @property
    def summary(self) -> str:
        return "mean of both heads' logits"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"({inputs[0]} + {inputs[1]}) / 2"


@dataclass(frozen=True)
class MeanSoftmax(_Mean):
    """`[B, K], [B, K] -> [B, K]`, the mean of the probabilities."""

    def kept(self, *inputs: Shape) -> Kept:
        # The results of both softmaxes, which have no separate nodes.
        return Kept(numbers=sum(map(elements, inputs)))

    @property
    def summary(self) -> str:
        return "mean of both heads' probabilities"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"({inputs[0]}.softmax(dim=-1) + {inputs[1]}.softmax(dim=-1)) / 2"


@dataclass(frozen=True)
class LogMeanSoftmax(MeanSoftmax):
    """`[B, K], [B, K] -> [B, K]`, the logarithm of the mean of the probabilities."""

    infix: ClassVar[bool] = False
    support: ClassVar[str] = '''\
def log_mean_softmax(cls: Tensor, dist: Tensor) -> Tensor:
    """Returns the logarithm of the mean of both heads' probabilities."""
    both = torch.stack((cls, dist)).log_softmax(dim=2)
    return both.logsumexp(dim=0) - 0.6931471805599453  # log 2
'''

    @property
    def summary(self) -> str:
        return "log of the mean of both heads' probabilities"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"log_mean_softmax({inputs[0]}, {inputs[1]})"
