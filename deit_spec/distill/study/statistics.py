"""Means over seeds, and how sure they are."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

Seed = TypeVar("Seed")


@dataclass(frozen=True)
class Mean:
    """A mean of `count` numbers, and its standard error; one alone has none."""

    mean: float
    error: float | None
    count: int


def mean_of(numbers: Iterable[float]) -> Mean | None:
    """The mean and its standard error, the deviation (n - 1) over √n.

    >>> mean_of([1.0, 2.0, 3.0, 4.0])
    Mean(mean=2.5, error=0.6454972243679028, count=4)
    """
    values = list(numbers)
    if not values:
        return None
    count = len(values)
    mean = math.fsum(values) / count
    if count == 1:
        return Mean(mean, None, 1)
    squares = math.fsum((value - mean) ** 2 for value in values)
    return Mean(mean, math.sqrt(squares / (count - 1) / count), count)


def paired(one: Mapping[Seed, float], other: Mapping[Seed, float]) -> Mean | None:
    """By how much one is above the other, seed by seed, over the seeds of both."""
    return mean_of(value - other[seed] for seed, value in one.items() if seed in other)
