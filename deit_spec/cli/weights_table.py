"""The table of a plan: a row for each tensor, or for that tensor of several blocks."""

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from deit_spec.compare.folded_blocks import fold as fold_paths
from deit_spec.compare.folded_blocks import span, without_block
from deit_spec.diagnostics.printable import visible

if TYPE_CHECKING:
    from deit_spec.weights import Plan, Step

UNBROKEN = 10_000
GAP = "  "
BELOW = "      "


class Row(NamedTuple):
    """A tensor of the model, what becomes of it, and the tensors that it is made of."""

    tensor: str
    shape: str
    fate: str
    made_of: tuple[str, ...]

    @property
    def front(self) -> tuple[str, str, str]:
        """The cells of the first three columns, safe to print."""
        return visible(self.tensor), self.shape, self.fate


def layout(plan: "Plan") -> str:
    """The table, as wide as the terminal; in a pipe, a tensor a line."""
    rows, width = list(list_rows(plan)), UNBROKEN
    if sys.stdout.isatty():
        rows, width = fold(rows), shutil.get_terminal_size().columns
    return "\n".join(lines(rows, width))


def lines(rows: Sequence[Row], width: int) -> Iterator[str]:
    """Align three columns; sources that do not fit beside them go below."""
    head = Row("tensor", "shape", "fate", ("from",))
    fronts = [row.front for row in (head, *rows)]
    columns = [max(map(len, cells)) + len(GAP) for cells in zip(*fronts, strict=True)]
    for row in (head, *rows):
        cells = zip(row.front, columns, strict=True)
        start = "".join(cell.ljust(size) for cell, size in cells)
        made_of = [visible(part) for part in row.made_of]
        line = (start + "; ".join(made_of)).rstrip()
        if cell_len(line) <= width:
            yield line
        else:
            yield start.rstrip()
            yield from (f"{BELOW}{part}" for part in made_of)


def list_rows(plan: "Plan") -> Iterator[Row]:
    """A row for each tensor of the model, then for unused ones of the checkpoint."""
    for step in plan.steps:
        shape = "×".join(map(str, step.shape))
        yield Row(step.name, shape, step.kind.value, tuple(_made_of(step)))
    for each in plan.dropped:
        yield Row("", "", "dropped", (f"{each.name}: {each.reason}",))
    for name in plan.missing:
        yield Row(name, "", "missing", ())
    for name in plan.left_over:
        yield Row("", "", "left over", (name,))


def fold(rows: Iterable[Row]) -> list[Row]:
    """Merge the rows of a tensor in consecutive blocks.

    >>> fold([Row(f"blocks.{i}.norm1.bias", "8", "taken", ()) for i in range(3)])
    [Row(tensor='blocks.0-2.norm1.bias', shape='8', fate='taken', made_of=())]
    """
    every = list(rows)
    merged = []
    for tensor, indices in fold_paths([(row.tensor, _key(row)) for row in every]):
        first, last = every[indices[0]], every[indices[-1]]
        made_of = tuple(map(span, first.made_of, last.made_of))
        merged.append(Row(tensor, first.shape, first.fate, made_of))
    return merged


def _key(row: Row) -> tuple[str, ...]:
    """What is equal in rows that differ in nothing but the block."""
    made_of = (without_block(part, row.tensor) for part in row.made_of)
    return row.shape, row.fate, *made_of


def _made_of(step: "Step") -> Iterator[str]:
    if step.sources not in ((step.name,), ()):
        yield from step.sources
    if step.reason:
        yield from step.reason.split("; ")
