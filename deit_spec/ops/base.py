"""The interface of ops: shape rule, parameters, cost and torch form."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import ClassVar, Final, Protocol, TypeAlias

from deit_spec.ops.dim import Dim, Shape, elements

INT64: Final = 8
"""The bytes of an index."""


@dataclass(frozen=True, slots=True)
class TruncatedNormal:
    """Normal with this standard deviation, truncated at ±2 as by `trunc_normal_`."""

    std: float


@dataclass(frozen=True, slots=True)
class FanInNormal:
    """Truncated normal with the standard deviation fan-in^-1/2."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant value; `name` is the name of the constant in generated code."""

    value: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class TorchDefault:
    """The default of the torch module that holds the parameter."""


Init: TypeAlias = TruncatedNormal | FanInNormal | Constant | TorchDefault

ZEROS = Constant(0.0)
ONES = Constant(1.0)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A learnable tensor. `name` is appended to the path of the node; may be empty."""

    name: str
    shape: Shape
    init: Init

    @property
    def count(self) -> int:
        """The number of elements."""
        return elements(self.shape)


class Names(Protocol):
    """How generated code writes the sizes of an op."""

    @property
    def batch(self) -> str:
        """The expression for the batch size."""

    def dim(self, dim: Dim) -> str:
        """Write a dimension: `DIM`, `3 * DIM` or a literal."""

    def number(self, name: str, value: float) -> str:
        """Write a number as the constant with this name."""


class Flow(Enum):
    """Where generated code writes the value of an op."""

    NESTED = "inside the call that uses it, if that call keeps the shape"
    INLINE = "inside the expression that uses it"
    LINE = "on a separate line"


@dataclass(frozen=True, slots=True)
class Kept:
    """What autograd keeps for the backward pass, besides the parameters.

    `inputs` and `output` say whether these tensors are kept. The others are counts of
    elements per image: `numbers` in the dtype of the model, `statistics` in float32 or
    wider, and `flags` of one byte. `copies` are `numbers` that a batch of one image
    does not need.
    """

    inputs: bool = False
    output: bool = False
    numbers: int = 0
    copies: int = 0
    statistics: int = 0
    flags: int = 0


class Op(ABC):
    """A layer: its inputs, its parameters, its cost and its form in torch.

    `arity` is the number of inputs, or None for one or more. `lifted` lists the fields
    that may differ between layers of the same generated class, with the name of the
    constructor argument for each. `random` ops only act in training. The output of a
    `view` shares the memory of its input. The value of a `learned` op is in the state
    dict. `per_token` lists the inputs of which each token of the output reads only the
    same token. `resizes` is the symbol of the dimension that the op makes smaller.
    `support` is the source of a class or function that its form in torch needs.
    """

    arity: ClassVar[int | None] = 1
    flow: ClassVar[Flow] = Flow.NESTED
    lifted: ClassVar[tuple[tuple[str, str], ...]] = ()
    random: ClassVar[bool] = False
    view: ClassVar[bool] = False
    learned: ClassVar[bool] = False
    per_token: ClassVar[tuple[int, ...]] = ()
    resizes: ClassVar[str] = ""
    support: ClassVar[str] = ""

    @abstractmethod
    def infer(self, *inputs: Shape) -> Shape:
        """Infer the shape of the output.

        Raises:
            ShapeError: The input shapes are invalid; the message states both numbers.
        """

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The learnable tensors, in the order of the state dict."""
        return ()

    def tokens_read(self, argument: int, wanted: range | None) -> range | None:
        """The tokens of an input that some tokens of the output depend on.

        `wanted` are the tokens of the output; None means all tokens, here as there.
        """
        return wanted if argument in self.per_token else None

    def without_tokens(self, count: int) -> "Op":  # noqa: ARG002  -- most read by position
        """The same op for an input without its first `count` tokens."""
        return self

    def keeps_tokens(self, wanted: range | None) -> bool:  # noqa: ARG002  -- as above
        """Whether these tokens of the output are those of the first input."""
        return False

    @property
    def item_size(self) -> int | None:
        """The bytes per element of integers; None for the dtype of the model."""
        return None

    @property
    def identity(self) -> bool:
        """Whether the op returns its input unchanged."""
        return False

    def macs(self, *inputs: Shape) -> int:  # noqa: ARG002  -- most ops have none
        """Count multiply-accumulates of matrix products, per image."""
        return 0

    def norm_operations(self, *inputs: Shape) -> int:  # noqa: ARG002  -- as above
        """Count the operations that fvcore counts for a normalisation, per image."""
        return 0

    def kept(self, *inputs: Shape) -> Kept:  # noqa: ARG002  -- most ops keep nothing
        """Return what autograd keeps for the backward pass."""
        return Kept()

    @property
    def summary(self) -> str:
        """A short description of the op, for diagrams."""
        return type(self).__name__


class ModuleOp(Op):
    """An op that is a submodule in generated code."""

    @property
    @abstractmethod
    def torch_type(self) -> str:
        """The name of the class of the submodule."""

    @abstractmethod
    def arguments(self, names: Names) -> tuple[str, ...]:
        """The source of the constructor arguments."""


class ParameterOp(Op):
    """An op that is a learnable tensor; its path is its name in the state dict."""

    arity: ClassVar[int | None] = 0
    flow: ClassVar[Flow] = Flow.INLINE
    learned: ClassVar[bool] = True


class FunctionOp(Op):
    """An op that is an expression in generated code.

    `atoms` requires arguments that are variable names. `infix` expressions need
    parentheses inside operators with a higher precedence.
    """

    atoms: ClassVar[bool] = False
    infix: ClassVar[bool] = False

    @abstractmethod
    def expression(self, names: Names, *inputs: str) -> str:
        """The source of the value, given the sources of the inputs."""
