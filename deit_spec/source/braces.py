"""What braces and commas make of numbers: `{12}`, and `{embed_dim: 1,024}`."""

import re
from typing import Final, NamedTuple

from deit_spec.source.positions import Positions

_REACH: Final = 60
"""Characters that are looked at on either side of a key."""
_BEFORE: Final = re.compile(r"(?<=[\s:])[-+]?[0-9]+(?P<more>,[0-9]+)*,\Z")
_AFTER: Final = re.compile("(?:,[0-9]+)*(?=\\s*[,}])")
_GROUP: Final = re.compile("[0-9]+")
_THOUSANDS: Final = re.compile("[-+]?[1-9][0-9]{0,2}(?:,[0-9]{3})+")
_NUMBER: Final = r"[-+]?[0-9][0-9.eE]*"
_OPEN: Final = re.compile(rf"\{{\s*(?P<more>(?:{_NUMBER}\s*,\s*)*)\Z")
_CLOSE: Final = re.compile(rf"(?:\s*,\s*{_NUMBER})*\s*\}}")


class Number(NamedTuple):
    """Numbers with commas, as written and as meant, and where.

    `is_told` is whether one of them before the last has told of it.
    """

    text: str
    meant: str
    start: int
    end: int
    is_told: bool


def with_comma(positions: Positions, start: int, end: int) -> Number | None:
    """Find the number that a key is a part of, behind a comma."""
    began = max(start - _REACH, 0)
    before = _BEFORE.search(positions.text(began, start))
    after = _AFTER.match(positions.text(end, end + _REACH))
    if not (before and after and _GROUP.fullmatch(positions.text(start, end))):
        return None
    first, last = began + before.start(), end + after.end()
    text = positions.text(first, last)
    return Number(text, meant_by(text), first, last, before["more"] is not None)


def meant_by(text: str) -> str:
    """A number with commas, as YAML has it: between thousands, or before decimals.

    >>> meant_by("1,024"), meant_by("3,5"), meant_by("0,125")
    ('1024', '3.5', '0.125')
    """
    if _THOUSANDS.fullmatch(text) or text.count(",") != 1:
        return text.replace(",", "")
    return text.replace(",", ".")


def alone(positions: Positions, start: int, end: int) -> Number | None:
    """Find the braces that hold numbers and nothing else, where a key is one."""
    began = max(start - _REACH, 0)
    before = _OPEN.search(positions.text(began, start))
    after = _CLOSE.match(positions.text(end, end + _REACH))
    if not (before and after):
        return None
    first, last = began + before.start(), end + after.end()
    text = positions.text(first, last)
    inner = text[1:-1].strip()
    meant = meant_by(inner) if _THOUSANDS.fullmatch(inner) else inner.split(",")[0]
    return Number(text, meant.strip(), first, last, bool(before["more"]))
