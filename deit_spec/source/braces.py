"""What braces and commas make of a number in them: `{12}`, and `{embed_dim: 1,024}`."""

import re
from typing import Final, NamedTuple

from deit_spec.source.positions import Positions

_REACH: Final = 40
"""Characters that are looked at on either side of a key."""
_BEFORE: Final = re.compile(r"(?<=[\s:])[-+]?[0-9]+(?P<more>,[0-9]+)*,\Z")
_AFTER: Final = re.compile("(?:,[0-9]+)*(?=\\s*[,}])")
_GROUP: Final = re.compile("[0-9]+")


class Number(NamedTuple):
    """A number with commas, and whether a part of it before the last has told of it."""

    text: str
    start: int
    end: int
    is_told: bool


def thousands(positions: Positions, start: int, end: int) -> Number | None:
    """Find the number that a key is a part of, behind a comma."""
    began = max(start - _REACH, 0)
    before = _BEFORE.search(positions.text(began, start))
    after = _AFTER.match(positions.text(end, end + _REACH))
    if not (before and after and _GROUP.fullmatch(positions.text(start, end))):
        return None
    first, last = began + before.start(), end + after.end()
    is_told = before["more"] is not None
    return Number(positions.text(first, last), first, last, is_told)


def alone(positions: Positions, start: int, end: int) -> tuple[int, int] | None:
    """Find the braces that hold a key and nothing else."""
    before = positions.text(max(start - _REACH, 0), start)
    after = positions.text(end, end + _REACH)
    left, right = before.rstrip(), after.lstrip()
    if not (left.endswith("{") and right.startswith("}")):
        return None
    first = start - (len(before) - len(left)) - 1
    return first, end + (len(after) - len(right)) + 1
