"""Whether a word can only have been meant as another: what a fix may write."""

import difflib
import re
from functools import cache
from typing import Final

from deit_spec.spec.fields import ELSEWHERE, SYNONYMS, TOP, VARIANT

_NOT_QUITE: Final = frozenset(
    {
        "drop_rate",
        "hidden_dropout_prob",
        "dim",
        "proj_drop_rate",
        "width",
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


def is_misspelt(written: str, word: str) -> bool:
    """Whether `written` is `word`, misspelt, or what another tool calls it.

    They are compared part by part: a part more or less makes another word of it,
    as `no_` or `kv_` does, and so does a digit.

    >>> is_misspelt("Embed-Dims", "embed_dim"), is_misspelt("depht", "depth")
    (True, True)
    >>> is_misspelt("num_kv_heads", "num_heads")
    False
    """
    if not _WORD.fullmatch(written):
        return False
    plain = re.sub("[ -]", "_", written).lower()
    if plain in _NOT_QUITE:
        return False
    if SYNONYMS.get(plain) == word or _joined(plain) == _joined(word):
        return True
    ours, theirs = word.split("_"), plain.split("_")
    return len(ours) == len(theirs) and all(map(_is_near, theirs, ours))


def is_field(written: str) -> bool:
    """Whether a word is a field's, or a misspelling of one."""
    fields = (*TOP, *VARIANT)
    return written in fields or any(is_misspelt(written, word) for word in fields)


def _joined(word: str) -> str:
    return word.replace("_", "")


def _is_near(written: str, part: str) -> bool:
    """Whether a part is another but for its plural, or a slip of the hand."""
    if written == part or _singular(written) == _singular(part):
        return True
    if len(part) <= _FIXED or written[:1] != part[:1] or written in _parts():
        return False
    return _slips(written, part) <= (2 if len(part) >= _LONG else 1)


def _singular(part: str) -> str:
    return re.sub("(?<=ss)es$|(?<=[a-z]{2}[^s])s$", "", part)


@cache
def _parts() -> frozenset[str]:
    """The words that fields are made of, here and elsewhere: `patch` is no `path`."""
    names = (*TOP, *VARIANT, *SYNONYMS, *ELSEWHERE)
    return frozenset(part for name in names for part in name.split("_"))


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
