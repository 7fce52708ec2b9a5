"""What every op declares: a shape rule, parameters, a cost and a torch form."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import ClassVar, Protocol, TypeAlias

from deit_spec.ops.dim import Dim, Shape, elements


@dataclass(frozen=True, slots=True)
class TruncatedNormal:
    """Normal with this standard deviation, cut at ±2 as torch's `trunc_normal_` is."""

    std: float


@dataclass(frozen=True, slots=True)
class FanInNormal:
    """Truncated normal whose standard deviation is fan-in^-1/2."""


@dataclass(frozen=True, slots=True)
class Constant:
    """One value throughout; `name` is the constant of generated code that holds it."""

    value: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class TorchDefault:
    """As torch initialises the module that holds the parameter."""


Init: TypeAlias = TruncatedNormal | FanInNormal | Constant | TorchDefault

ZEROS = Constant(0.0)
ONES = Constant(1.0)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A learnable tensor. `name` follows the node's path; empty where that is all."""

    name: str
    shape: Shape
    init: Init

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return elements(self.shape)


class Names(Protocol):
    """How generated code writes the sizes that an op has."""

    @property
    def batch(self) -> str:
        """The expression for the batch size."""

    def dim(self, dim: Dim) -> str:
        """Write a dimension: `DIM`, `3 * DIM`, or a plain number."""

    def number(self, name: str, value: float) -> str:
        """Write a number by the constant of that name."""


class Flow(Enum):
    """Where the value of an op goes in written code."""

    NESTED = "inside the call that reads it, where that call keeps the shape"
    INLINE = "inside whatever reads it"
    LINE = "on a line of its own"


@dataclass(frozen=True, slots=True)
class Kept:
    """What autograd keeps of a layer until the backward pass, beside parameters.

    The tensors it takes or gives are kept whole. The rest are counts per image:
    `numbers` in the model's dtype, `statistics` in float32 or wider, and `flags`
    of a byte.
    """

    inputs: bool = False
    output: bool = False
    numbers: int = 0
    statistics: int = 0
    flags: int = 0


class Op(ABC):
    """A layer: what it takes, what it holds, what it costs, how torch writes it.

    `arity` is the number of inputs, None for one or more. `lifted` names the
    fields that may differ between layers of the same class, with the argument
    that carries each. `random` ops act in training only. A `view` gives the memory
    of its input another shape.
    """

    arity: ClassVar[int | None] = 1
    flow: ClassVar[Flow] = Flow.NESTED
    lifted: ClassVar[tuple[tuple[str, str], ...]] = ()
    random: ClassVar[bool] = False
    view: ClassVar[bool] = False

    @abstractmethod
    def infer(self, *inputs: Shape) -> Shape:
        """Derive the output's shape.

        Raises:
            ShapeError: The inputs do not fit; the message holds both numbers.
        """

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The learnable tensors, in the order of the state dict."""
        return ()

    @property
    def identity(self) -> bool:
        """Whether the op leaves its input as it is."""
        return False

    def macs(self, *inputs: Shape) -> int:  # noqa: ARG002  -- most ops multiply nothing
        """Count multiply-accumulates of matrix products, per image."""
        return 0

    def norm_operations(self, *inputs: Shape) -> int:  # noqa: ARG002  -- as above
        """Count what fvcore counts of a normalisation, per image."""
        return 0

    def kept(self, *inputs: Shape) -> Kept:  # noqa: ARG002  -- most ops keep nothing
        """Say what autograd keeps for the backward pass."""
        return Kept()

    @property
    def summary(self) -> str:
        """What the op does, in a few words, for diagrams."""
        return type(self).__name__


class ModuleOp(Op):
    """An op that generated code holds as a module and calls."""

    support: ClassVar[str] = ""
    """The source of the class it is built from, where torch has none."""

    @property
    @abstractmethod
    def torch_type(self) -> str:
        """The class that `constructor` calls."""

    @abstractmethod
    def arguments(self, names: Names) -> tuple[str, ...]:
        """The constructor's arguments as written."""


class ParameterOp(Op):
    """An op that is a learnable tensor; its path is the state-dict name."""

    arity: ClassVar[int | None] = 0
    flow: ClassVar[Flow] = Flow.INLINE


class FunctionOp(Op):
    """An op that generated code writes as an expression.

    `atoms` asks for arguments that are plain names. `infix` expressions need
    parentheses where something binds closer.
    """

    atoms: ClassVar[bool] = False
    infix: ClassVar[bool] = False

    @abstractmethod
    def expression(self, names: Names, *inputs: str) -> str:
        """The value as written, from the inputs as written."""
