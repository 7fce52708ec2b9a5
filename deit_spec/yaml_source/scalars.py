"""What a scalar means: the core schema of YAML 1.2, not the 1.1 of PyYAML.

So `1e-6` is a number, `on` and `no` are strings, `012` is twelve, and neither
`1:30` nor `1_000` nor a date is anything but text.
"""

import re
from enum import StrEnum
from typing import Final, TypeAlias

Plain: TypeAlias = bool | int | float | str | None

SCALAR: Final = r"""(?:[\w.+/~-][^\s:#,;=\[\]{}'"]*|'[^'\n]*'|"[^"\\\n]*")"""
"""A pattern of one word or one closed text: no anchor, tag or collection."""


class Kind(StrEnum):
    """The types a scalar can have; the value is its tag's last word."""

    NULL = "null"
    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    STR = "str"


_PATTERNS: Final = (
    (Kind.NULL, re.compile(r"null|Null|NULL|~|")),
    (Kind.BOOL, re.compile(r"true|True|TRUE|false|False|FALSE")),
    (Kind.INT, re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")),
    (
        Kind.FLOAT,
        re.compile(
            r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
            r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        ),
    ),
)


def kind_of(text: str) -> Kind:
    """Tell the type of a plain scalar from its text."""
    for kind, pattern in _PATTERNS:
        if pattern.fullmatch(text):
            return kind
    return Kind.STR


def convert(text: str, kind: Kind) -> Plain:
    """Give the value of a text that is of this kind, or an integer for a float."""
    match kind:
        case Kind.NULL:
            return None
        case Kind.BOOL:
            return text.lower() == "true"
        case Kind.INT:
            return _integer(text)
        case Kind.FLOAT:
            return _number(text)
        case Kind.STR:
            return text


def fits(found: Kind, wanted: Kind) -> bool:
    """Tell whether a text of one kind may carry the tag of another."""
    return wanted in (found, Kind.STR) or (found, wanted) == (Kind.INT, Kind.FLOAT)


def _integer(text: str) -> int:
    # Not int(text, 0): that refuses `012` and takes `1_000`.
    bases = {"0o": 8, "0x": 16}
    base = bases.get(text[:2])
    return int(text[2:], base) if base else int(text)


def _number(text: str) -> float:
    if text[:2] in ("0o", "0x"):
        return float(_integer(text))
    # Python writes `.inf` and `.nan` without the dot.
    return float(re.sub(r"\.(?=[a-zA-Z])", "", text, count=1))
