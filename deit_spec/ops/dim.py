"""Named dimensions, and shapes."""

from dataclasses import dataclass, replace
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Dim:
    """A size and its symbol.

    `size` is None only for the batch, which stays symbolic. `factor` multiplies the
    symbol: the fused projection has the size `3C`.
    """

    size: int | None
    symbol: str = ""
    factor: int = 1

    def times(self, factor: int) -> "Dim":
        """Return `factor` times this dimension."""
        size = None if self.size is None else self.size * factor
        return replace(self, size=size, factor=self.factor * factor)

    def part(self, parts: int) -> "Dim":
        """Return one of `parts` equal parts, the reverse of `times`."""
        size = None if self.size is None else self.size // parts
        if self.factor % parts:
            return Dim(size)
        return replace(self, size=size, factor=self.factor // parts)

    @property
    def known(self) -> int:
        """The size, or 1 for the batch, because costs are counted per image."""
        return 1 if self.size is None else self.size

    @property
    def letter(self) -> str:
        """The symbol with its factor, or the size if there is no symbol."""
        if not self.symbol:
            return str(self.size)
        return self.symbol if self.factor == 1 else f"{self.factor}{self.symbol}"

    def __str__(self) -> str:
        if self.size is None or not self.symbol:
            return self.letter
        return f"{self.letter}={self.size}"


Shape: TypeAlias = tuple[Dim, ...]

BATCH = Dim(None, "B")


class ShapeError(ValueError):
    """The input shapes of a layer are invalid; the message states both sizes."""


def show(shape: Shape) -> str:
    """Format a shape for messages and diagrams: `[B, N=198, C=768]`."""
    return f"[{', '.join(map(str, shape))}]"


def letters(shape: Shape) -> str:
    """Format a shape for comments in generated code: `[B, N, C]`."""
    return f"[{', '.join(dim.letter for dim in shape)}]"


def elements(shape: Shape) -> int:
    """Count the elements of a shape, per image."""
    count = 1
    for dim in shape:
        count *= dim.known
    return count


def same_sizes(one: Shape, other: Shape) -> bool:
    """Whether two shapes have the same sizes, regardless of their symbols."""
    return [dim.size for dim in one] == [dim.size for dim in other]


def expect_rank(shape: Shape, rank: int) -> None:
    """Check the number of dimensions.

    Raises:
        ShapeError: The shape does not have `rank` dimensions.
    """
    if len(shape) != rank:
        raise ShapeError(f"expects {rank} dimensions, not {len(shape)}: {show(shape)}")


def expect_size(what: str, found: Dim, wanted: Dim) -> None:
    """Check the size of a dimension.

    Raises:
        ShapeError: The two sizes differ.
    """
    if found.size != wanted.size:
        raise ShapeError(f"expects {what} {wanted}, not {found}")
