"""Whether a word can only have been meant as another: what a fix may write."""

import difflib
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

_NOT_QUITE: Final = frozenset(
    {
        "drop_rate",
        "hidden_dropout_prob",
        "dim",
        "proj_drop_rate",
        "width",
        "num_features",
        "layer",
        "eps",
        "classes",
    }
)
"""Words of other tools that mean nearly, or only mostly, what our field does."""
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z _-]*")
_FIXED: Final = 3
"""Words as short as this have neighbours of another meaning: `in` and `out`."""
_LONG: Final = 8
"""Words from here on take a second mistake."""
_MOST: Final = 2
"""Letters that a slip of the hand, or a plural, adds to a part or takes away."""


def is_misspelt(
    written: str,
    word: str,
    synonyms: Mapping[str, str] = MappingProxyType({}),
    parts: Collection[str] = (),
) -> bool:
    """Whether `written` is `word`, misspelt, or what another tool calls it.

    They are compared part by part: a part more or less makes another word of it,
    as `no_` or `kv_` does, and so does a digit. One of `parts`, those of all words
    that there are, is no misspelling of another.

    >>> is_misspelt("Embed-Dims", "embed_dim"), is_misspelt("depht", "depth")
    (True, True)
    >>> is_misspelt("num_kv_heads", "num_heads")
    False
    """
    plain = _plain(written)
    if not plain or plain in _NOT_QUITE:
        return False
    if synonyms.get(plain) == word or _joined(plain) == _joined(word):
        return True
    # No part is longer or shorter than ours by more than that.
    if plain.count("_") != word.count("_") or abs(len(plain) - len(word)) > _MOST * (
        word.count("_") + 1
    ):
        return False
    return all(
        _is_near(part, our, parts)
        for part, our in zip(plain.split("_"), word.split("_"), strict=True)
    )


@lru_cache(maxsize=64)
def _plain(written: str) -> str:
    """A word as keys are written; what has other characters is none."""
    return re.sub("[ -]", "_", written).lower() if _WORD.fullmatch(written) else ""


def _joined(word: str) -> str:
    return word.replace("_", "")


def _is_near(written: str, part: str, parts: Collection[str]) -> bool:
    """Whether a part is another but for its plural, or a slip of the hand."""
    if written == part or _singular(written) == _singular(part):
        return True
    if len(part) <= _FIXED or written[:1] != part[:1] or written in parts:
        return False
    most = _MOST if len(part) >= _LONG else 1
    # A changed letter is one that the other has not: most words need no more.
    if len(set(written) ^ set(part)) > 2 * most:
        return False
    return _slips(written, part) <= most


def _singular(part: str) -> str:
    return re.sub("(?<=ss)es$|(?<=[a-z]{2}[^s])s$", "", part)


def _slips(written: str, part: str) -> int:
    """How many letters are put in, left out, changed, or swapped with the next."""
    if sorted(written) == sorted(part):
        return sum(map(str.__ne__, written, part)) // 2
    matcher = difflib.SequenceMatcher(None, written, part, autojunk=False)
    return sum(
        max(end - start, other_end - other_start)
        for kind, start, end, other_start, other_end in matcher.get_opcodes()
        if kind != "equal"
    )
