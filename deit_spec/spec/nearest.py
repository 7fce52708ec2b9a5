"""The nearest legal alternatives to what was written: numbers and words."""

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType


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
    """The multiples of `of` just below and above `number`, without 0.

    >>> nearest_multiples(770, 12)
    [768, 780]
    """
    below = number // of * of
    return [multiple for multiple in (below, below + of) if multiple > 0]


def nearest_ratio(width: int, ratio: float) -> float:
    """The short ratio above 0, nearest to `ratio`, that keeps `width` times it whole.

    >>> nearest_ratio(768, 3.3)
    3.3125
    """
    parts = math.gcd(width, 16)
    return max(round(ratio * parts), 1) / parts


def closest_word(
    word: str,
    words: Iterable[str],
    synonyms: Mapping[str, str] = MappingProxyType({}),
) -> str | None:
    """The one of `words` that `word` may mean; synonyms come first.

    >>> closest_word("Embed-Dims", ["embed_dim", "depth"])
    'embed_dim'
    """
    return closest(word, words, synonyms)[1]


def closest(
    word: str, words: Iterable[str], synonyms: Mapping[str, str]
) -> tuple[float, str | None]:
    """The one of `words` that `word` may mean, and how similar it is, up to 1.

    >>> closest("Layers", ["depth"], {"layers": "depth"})
    (1.0, 'depth')
    """
    from difflib import (  # noqa: PLC0415  -- a valid document needs none
        SequenceMatcher,
        get_close_matches,
    )

    plain = word.lower().replace("-", "_").replace(" ", "_")
    words = tuple(words)
    meaning = {other: own for other, own in synonyms.items() if own in words}
    if plain in meaning:
        return 1.0, meaning[plain]
    found = dict.fromkeys(get_close_matches(plain, words, 1))
    # There are many synonyms: by chance a word is a little similar to one of them.
    found |= dict.fromkeys(get_close_matches(plain, meaning, 1, 0.85))
    scored = [
        (SequenceMatcher(None, each, plain).ratio(), meaning.get(each, each))
        for each in found
    ]
    return max(scored, default=(0.0, None))


def listed(words: Iterable[str], last: str = "or") -> str:
    """Join words as a sentence does.

    >>> listed(["a", "b", "c"])
    'a, b or c'
    """
    *most, final = words
    return f"{', '.join(most)} {last} {final}" if most else final
