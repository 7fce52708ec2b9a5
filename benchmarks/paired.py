"""Paired measurements, in which both candidates are measured alternately.

Each round times one and then the other, and the result is the median of the ratios.
Other load on the machine affects both halves of a round, and single outliers do not
affect the median.
"""

import gc
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True)
class Pairs:
    """The durations of two candidates in seconds, one per round."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratios(self) -> list[float]:
        """The ratio of ours to theirs for each round."""
        return [our / their for our, their in zip(self.ours, self.theirs, strict=True)]

    def cells(self, target: str) -> list[str]:
        """Return both medians, the median ratio with its range, and the target."""
        ratios = self.ratios
        return [
            milliseconds(median(self.ours)),
            milliseconds(median(self.theirs)),
            f"{median(ratios):.2f}",
            f"{min(ratios):.2f} to {max(ratios):.2f}",
            target,
        ]


COLUMNS = ("ours", "theirs", "ratio", "range", "target")
"""The columns of `Pairs.cells`."""


def seconds(
    call: Callable[[], object], clock: Callable[[], float] = time.perf_counter
) -> float:
    """Time one call in seconds, after collecting garbage."""
    gc.collect()
    start = clock()
    call()
    return clock() - start


def in_turns(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int
) -> Pairs:
    """Warm up both, then time them alternately: ours, theirs, ours, theirs."""
    ours()
    theirs()
    times = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    our, their = zip(*times, strict=True)
    return Pairs(our, their)


def all_in_turns(
    calls: Mapping[str, Callable[[], object]],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Warm up all, then time each once per round; return seconds by name.

    Every other round runs in reverse order, so that none always follows the same one.
    With `time.process_time` as the clock, it is the CPU time of all threads.
    """
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds):
        for name in calls if number % 2 else reversed(list(calls)):
            times[name].append(seconds(calls[name], clock))
    return times


def speedup(ours: Sequence[float], theirs: Sequence[float]) -> list[str]:
    """Return our median, the median of theirs / ours of each round, and quartiles.

    A ratio above one means that ours is faster.
    """
    ratios = [their / our for our, their in zip(ours, theirs, strict=True)]
    low, middle, high = quantiles(ratios, n=4, method="inclusive")
    return [milliseconds(median(ours)), f"{middle:.3f}", f"{low:.3f} to {high:.3f}"]


SPEEDUP_COLUMNS = ("median", "speedup", "quartiles")
"""The columns of `speedup`."""


def milliseconds(value: float) -> str:
    """Format seconds as milliseconds."""
    return f"{value * 1e3:,.1f} ms"


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table with the first column left-aligned and the others right-aligned."""
    table = [("", *columns), *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    print(title)
    for first, *cells in table:
        numbers = (
            cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)
        )
        print("  " + "  ".join([first.ljust(widths[0]), *numbers]).rstrip())
    print(flush=True)
