"""Answers about words, each found once; memory stays flat whatever is asked."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Final, TypeVar

from deit_spec.yaml_source.document import FILE_BYTES

_WORDS: Final = FILE_BYTES // 2
"""More words than one file has, each of which is looked up several times."""
_LETTERS: Final = 64
"""Letters of a word that is remembered: our longest names have half as many."""

K = TypeVar("K", str, tuple[str, ...])
V = TypeVar("V")


def remembered(function: Callable[[K], V]) -> Callable[[K], V]:
    """Let a function of a word, or of a path of words, remember what it said."""
    cached = lru_cache(maxsize=_WORDS)(function)

    @wraps(function)
    def answer(key: K) -> V:
        return cached(key) if _size(key) <= _LETTERS else function(key)

    return answer


def _size(key: str | tuple[str, ...]) -> int:
    return len(key) if isinstance(key, str) else sum(map(len, key))
