"""Legal alternatives, computed from what was written."""

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Final

_ALIKE: Final = 0.6
_VERY_ALIKE: Final = 0.85


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
    word: str, words: Iterable[str], synonyms: Mapping[str, str] | None = None
) -> str | None:
    """The one of `words` that `word` may have meant; synonyms come first.

    >>> closest_word("Embed-Dims", ["embed_dim", "depth"])
    'embed_dim'
    """
    return closest(word, words, synonyms)[1]


def closest(
    word: str, words: Iterable[str], synonyms: Mapping[str, str] | None = None
) -> tuple[float, str | None]:
    """The one of `words` that `word` may have meant, and how near it is, up to 1.

    >>> closest("Layers", ["depth"], {"layers": "depth"})
    (1.0, 'depth')
    """
    plain = word.lower().replace("-", "_").replace(" ", "_")
    words, synonyms = tuple(words), synonyms or {}
    if synonyms.get(plain) in words:
        return 1.0, synonyms[plain]
    near = _alike(plain, words, _ALIKE)
    # There are many synonyms: something is a little like one of them by chance.
    others = [
        (ratio, own)
        for ratio, own in _alike(plain, synonyms, _VERY_ALIKE)
        if synonyms[own] in words
    ]
    found = dict([(ratio, synonyms[own]) for ratio, own in _best(others)] + _best(near))
    return max(found.items(), default=(0.0, None))


def _best(found: list[tuple[float, str]]) -> list[tuple[float, str]]:
    return [max(found)] if found else []


def _alike(word: str, words: Iterable[str], least: float) -> list[tuple[float, str]]:
    """Those of `words` that are alike, each behind how much it is.

    A text may have thousands of words that mean none of ours, and difflib takes its
    time: most are told by their length, and of the others most by their letters.
    """
    share = least / (2 - least)
    shortest, longest = int(len(word) * share), math.ceil(len(word) / share)
    near = [
        own
        for own in words
        if shortest <= len(own) <= longest and _shared(word, own) >= least
    ]
    ratios = [(_ratio(word, own), own) for own in near]
    return [(ratio, own) for ratio, own in ratios if ratio >= least]


def _ratio(word: str, own: str) -> float:
    return difflib.SequenceMatcher(None, own, word).ratio()


def _shared(word: str, own: str) -> float:
    """How alike two words are at most, by the letters that both have."""
    both = min(sum(map(own.__contains__, word)), sum(map(word.__contains__, own)))
    return 2 * both / max(len(word) + len(own), 1)


def listed(words: Iterable[str], last: str = "or") -> str:
    """Join words as a sentence does.

    >>> listed(["a", "b", "c"])
    'a, b or c'
    """
    *most, final = words
    return f"{', '.join(most)} {last} {final}" if most else final
