"""Ops that keep the shape: addition, activation, dropout and stochastic depth."""

from dataclasses import dataclass
from typing import ClassVar

from deit_spec.ops.base import FunctionOp, Kept, ModuleOp, Names
from deit_spec.ops.dim import Shape, ShapeError, elements, show


@dataclass(frozen=True)
class Add(FunctionOp):
    """`a + b`; dimensions of size 1 in the second input are broadcast."""

    arity: ClassVar[int | None] = 2
    infix: ClassVar[bool] = True
    per_token: ClassVar[tuple[int, ...]] = (0, 1)

    def infer(self, *inputs: Shape) -> Shape:
        a, b = inputs
        fits = len(a) == len(b) and all(
            y.size in (x.size, 1) for x, y in zip(a, b, strict=True)
        )
        if not fits:
            raise ShapeError(f"cannot add {show(b)} to {show(a)}")
        return a

    @property
    def summary(self) -> str:
        return "+"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"{inputs[0]} + {inputs[1]}"


@dataclass(frozen=True)
class Gelu(FunctionOp):
    """`x·Φ(x)`, the exact form (Hendrycks and Gimpel 2016, section 2)."""

    per_token: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def kept(self, *inputs: Shape) -> Kept:  # noqa: ARG002
        return Kept(inputs=True)

    @property
    def summary(self) -> str:
        return "GELU"

    def expression(self, names: Names, *inputs: str) -> str:  # noqa: ARG002
        return f"F.gelu({inputs[0]})"


@dataclass(frozen=True)
class Dropout(ModuleOp):
    """Sets each element to zero with probability `rate` in training."""

    rate: float

    random: ClassVar[bool] = True
    per_token: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def kept(self, *inputs: Shape) -> Kept:
        return Kept(flags=elements(inputs[0]))

    @property
    def identity(self) -> bool:
        return self.rate == 0

    @property
    def summary(self) -> str:
        return f"Dropout {self.rate:g}"

    @property
    def torch_type(self) -> str:
        return "nn.Dropout"

    def arguments(self, names: Names) -> tuple[str, ...]:
        return (names.number("DROPOUT", self.rate),)


@dataclass(frozen=True)
class DropPath(ModuleOp):
    """Drops a residual branch per image with probability `rate` in training.

    Stochastic depth (Huang et al. 2016, equation 2), scaled by `1 / (1 - rate)` to keep
    the mean.
    """

    rate: float

    lifted: ClassVar[tuple[tuple[str, str], ...]] = (("rate", "drop_path"),)
    random: ClassVar[bool] = True
    per_token: ClassVar[tuple[int, ...]] = (0,)

    def infer(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def kept(self, *inputs: Shape) -> Kept:  # noqa: ARG002
        return Kept(numbers=1)  # whether the branch is kept for the image

    @property
    def identity(self) -> bool:
        return self.rate == 0

    @property
    def summary(self) -> str:
        return f"DropPath {self.rate:.3g}"

    @property
    def torch_type(self) -> str:
        return "DropPath"

    def arguments(self, names: Names) -> tuple[str, ...]:
        return (names.number("DROP_PATH", self.rate),)

    support: ClassVar[str] = '''\
class DropPath(nn.Module):
    """Randomly drops a residual branch per image in training (Huang et al. 2016)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        keep = x.new_empty(x.shape[0], 1, 1).bernoulli_(1 - self.rate)
        return x * keep / (1 - self.rate)
'''
