"""What braces and commas make of numbers: `{12}`, and `{embed_dim: 1,024}`."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from deit_spec.diagnostics import Diagnostic, Span
from deit_spec.yaml_source import yaml_findings as problems
from deit_spec.yaml_source.pairs import Place, comma_for_colon, is_comma
from deit_spec.yaml_source.positions import Positions

_REACH: Final = 60
"""Characters that are looked at on either side of a key."""
_BEFORE: Final = re.compile(r"(?<=[\s:])[-+]?[0-9]+(?P<more>,[0-9]+)*,\Z")
_AFTER: Final = re.compile("(?:,[0-9]+)*(?=\\s*[,}])")
_GROUP: Final = re.compile("[0-9]+")
_THOUSANDS: Final = re.compile("[-+]?[1-9][0-9]{0,2}(?:,[0-9]{3})+")
_NUMBER: Final = r"[-+]?\.?[0-9][0-9.eE]*"
_OPEN: Final = re.compile(rf"\{{\s*(?P<more>(?:{_NUMBER}\s*,\s*)*)\Z")
_CLOSE: Final = re.compile(rf"(?:\s*,\s*{_NUMBER})*\s*\}}")

# Atomic, for one number less would have a comma behind it.
_STRAY: Final = re.compile(
    rf"(?<=[:\s])\{{\s*(?P<number>(?>{_NUMBER}(?:\s*,\s*{_NUMBER})*))"
    r"(?=\s*(?:,|\]|\Z)|[ \t]*(?:\#|[\r\n]))(?!\s*\})"
)

_SINGLE: Final = re.compile(
    rf"(?<=[:\s])\{{\s*(?P<number>{_NUMBER}(?=\s*\}})|(?<=\{{)\{{)"
)


class Number(NamedTuple):
    """Numbers with commas, as written and as meant, and where.

    `is_told` is whether one of them before the last has told of it.
    """

    text: str
    meant: str
    start: int
    end: int
    is_told: bool


class Odd(NamedTuple):
    """What to say of a number that is a key; nothing where it has been said.

    In doubt is then the key before it, or the mapping that both are in.
    """

    problem: Diagnostic | None
    is_of_last: bool


def odd_number(
    positions: Positions, key: Place, last: Place | None, *, is_inner: bool
) -> Odd | None:
    """Tell why a number is a key in braces, if it was not meant to be one.

    `last` is the key before it, if that is one that the reader of the text knows.
    The braces are the value of a key where they are inner ones.
    """
    if last and is_comma(positions, last, key):
        return Odd(comma_for_colon(positions, last, key), is_of_last=True)
    if is_inner and (found := _alone(positions, key.start, key.end)):
        return Odd(_told(found, positions, problems.in_braces), is_of_last=False)
    if found := _with_comma(positions, key.start, key.end):
        return Odd(_told(found, positions, problems.comma_in_number), is_of_last=True)
    return None


def _told(
    number: Number,
    positions: Positions,
    words: Callable[[str, str, Span], Diagnostic],
) -> Diagnostic | None:
    span = positions.span(number.start, number.end)
    return None if number.is_told else words(number.text, number.meant, span)


def _with_comma(positions: Positions, start: int, end: int) -> Number | None:
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


def _alone(positions: Positions, start: int, end: int) -> Number | None:
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


def doubled(
    positions: Positions, start: int, end: int, *, is_inner: bool
) -> Diagnostic:
    """Report two braces before a mapping: those of a template, or one too many.

    Around the whole text they are no template's.
    """
    if is_inner and positions.text(end - 1, end + 1) == "}}":
        return problems.placeholder(positions.span(start - 1, end + 1))
    return problems.stray_brace("{", positions.span(start - 1, start))


class Brace(NamedTuple):
    """A brace before a number or a brace, where both begin, and the other's text."""

    start: int
    number: int
    text: str


def stray(text: str, since: int, *, is_cut: bool) -> Brace | None:
    """Find a brace before a number or a brace that no other closes, from an offset on.

    In a text that breaks off, one that is closed is one too many.
    """
    found = _STRAY.search(text, since)
    found = found or (_SINGLE.search(text, since) if is_cut else None)
    return (
        Brace(found.start(), found.start("number"), found["number"]) if found else None
    )
