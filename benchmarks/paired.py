"""Two things measured in turns, so that what else the machine does meets both.

Each round times one and then the other. The figure is the median of the ratios
of the rounds: a slow minute slows both halves of a pair, and one bad round moves
no median.
"""

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Pairs:
    """The seconds of two things, round by round."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratios(self) -> list[float]:
        """Ours over theirs, for each round."""
        return [our / their for our, their in zip(self.ours, self.theirs, strict=True)]

    def cells(self, aim: str) -> list[str]:
        """Both medians, the median ratio with its range, and the aim, as a row."""
        ratios = self.ratios
        return [
            milliseconds(median(self.ours)),
            milliseconds(median(self.theirs)),
            f"{median(ratios):.2f}",
            f"{min(ratios):.2f} to {max(ratios):.2f}",
            aim,
        ]


COLUMNS = ("ours", "theirs", "ratio", "range", "aim")
"""The columns of `Pairs.cells`."""


def seconds(call: Callable[[], object]) -> float:
    """Time one call; garbage of earlier ones is collected first."""
    gc.collect()
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def in_turns(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int
) -> Pairs:
    """Warm both up, then time them in turns: ours, theirs, ours, theirs."""
    ours()
    theirs()
    times = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    our, their = zip(*times, strict=True)
    return Pairs(our, their)


def milliseconds(value: float) -> str:
    """Write seconds as milliseconds."""
    return f"{value * 1e3:,.1f} ms"


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: the first column to the left, numbers to the right."""
    table = [("", *columns), *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    print(title)
    for first, *cells in table:
        numbers = (
            cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)
        )
        print("  " + "  ".join([first.ljust(widths[0]), *numbers]).rstrip())
    print(flush=True)
