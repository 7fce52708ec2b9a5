"""The nearest legal alternatives to what was written: numbers and words."""

import math
from collections.abc import Iterable


def nearest_divisors(number: int, around: int, count: int = 3) -> list[int]:
    """The `count` divisors of `number` that are nearest to `around`, ascending.

    >>> nearest_divisors(770, 12)
    [10, 11, 14]
    >>> nearest_divisors(10007, 5000)
    [1, 10007]
    """
    small = [d for d in range(1, math.isqrt(number) + 1) if number % d == 0]
    found = {*small, *(number // d for d in small)}
    return sorted(sorted(found, key=lambda d: (abs(d - around), d))[:count])


def nearest_multiples(number: int, of: int) -> list[int]:
    """The multiples of `of` just below and above `number`, without 0."""
    below = number // of * of
    return [multiple for multiple in (below, below + of) if multiple > 0]


def nearest_ratio(width: int, ratio: float) -> float:
    """The short ratio above 0, nearest to `ratio`, that keeps `width` times it whole.

    >>> nearest_ratio(768, 3.3)
    3.3125
    """
    parts = math.gcd(width, 16)
    return max(round(ratio * parts), 1) / parts


def closest_word(word: str, words: Iterable[str]) -> str | None:
    """The one of `words` that `word` may mean.

    >>> closest_word("Embed-Dims", ["embed_dim", "depth"])
    'embed_dim'
    """
    from difflib import get_close_matches  # noqa: PLC0415  -- on errors alone

    plain = word.lower().replace("-", "_").replace(" ", "_")
    return next(iter(get_close_matches(plain, words, 1)), None)


def one_of(words: Iterable[str]) -> str:
    """Join alternatives: `a, b or c`."""
    return _joined(words, "or")


def all_of(words: Iterable[str]) -> str:
    """Join words: `a, b and c`."""
    return _joined(words, "and")


def _joined(words: Iterable[str], last: str) -> str:
    *most, final = words
    return f"{', '.join(most)} {last} {final}" if most else final
