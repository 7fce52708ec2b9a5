"""Dimensions with names, and shapes made of them."""

from dataclasses import dataclass, replace
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Dim:
    """A size and the symbol it is known by.

    `size` is None for the batch alone, which stays symbolic. `factor` says how
    many times the symbol is in the size: the fused projection is `3C`.
    """

    size: int | None
    symbol: str = ""
    factor: int = 1

    def times(self, factor: int) -> "Dim":
        """Return `factor` times this dimension."""
        size = None if self.size is None else self.size * factor
        return replace(self, size=size, factor=self.factor * factor)

    @property
    def known(self) -> int:
        """The size, 1 for the batch: costs are counted per image."""
        return 1 if self.size is None else self.size

    @property
    def letter(self) -> str:
        """The symbol with its factor, or the size where there is no symbol."""
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
    """A layer cannot take the shape that reaches it; the message has both sizes."""


def show(shape: Shape) -> str:
    """Write a shape as messages and diagrams do: `[B, N=198, C=768]`."""
    return f"[{', '.join(map(str, shape))}]"


def letters(shape: Shape) -> str:
    """Write a shape as a comment in code does: `[B, N, C]`."""
    return f"[{', '.join(dim.letter for dim in shape)}]"


def elements(shape: Shape) -> int:
    """Count the elements of a shape, per image."""
    count = 1
    for dim in shape:
        count *= dim.known
    return count


def same_sizes(one: Shape, other: Shape) -> bool:
    """Tell whether two shapes agree in every size, whatever their symbols."""
    return [dim.size for dim in one] == [dim.size for dim in other]


def expect_rank(shape: Shape, rank: int) -> None:
    """Refuse a shape of another number of dimensions.

    Raises:
        ShapeError: The shape has not `rank` dimensions.
    """
    if len(shape) != rank:
        raise ShapeError(f"takes {rank} dimensions, not {len(shape)}: {show(shape)}")


def expect_size(what: str, found: Dim, wanted: Dim) -> None:
    """Refuse a dimension of another size.

    Raises:
        ShapeError: The two sizes differ.
    """
    if found.size != wanted.size:
        raise ShapeError(f"takes {what} {wanted}, not {found}")
