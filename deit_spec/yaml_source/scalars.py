"""Scalars and tags of YAML 1.2's core schema; PyYAML itself follows YAML 1.1.

So `1e-6` is a number, `on` and `no` are strings, `012` is twelve, and `1:30`, `1_000`
and dates are strings.
"""

import json
import re
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, TypeAlias

from deit_spec.diagnostics.printable import shortened

Plain: TypeAlias = bool | int | float | str | None

SCALAR: Final = r"""(?:[\w.+/~-][^\s:#,;=\[\]{}'"]*|'[^'\n]*'|"[^"\\\n]*")"""
"""A pattern of one word or one closed string: no anchor, tag or collection."""


class Kind(StrEnum):
    """The types of a scalar; the value is the last word of its tag."""

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


MAPPING: Final = "map"
SEQUENCE: Final = "seq"
CORE_TAGS: Final = frozenset({*(kind.value for kind in Kind), MAPPING, SEQUENCE})
_CORE_PREFIX: Final = "tag:yaml.org,2002:"


def core_tag(tag: str) -> str | None:
    """Return the name of a tag of the core schema, `int` for `!!int`."""
    name = tag.removeprefix(_CORE_PREFIX)
    return name if name != tag and name in CORE_TAGS else None


def short_tag(tag: str) -> str:
    """Return a tag as people write it, `!!int`."""
    if tag.startswith(_CORE_PREFIX):
        return "!!" + tag.removeprefix(_CORE_PREFIX)
    return tag if tag.startswith("!") else f"!<{tag}>"


@lru_cache(maxsize=1024)
def plain_value(text: str) -> tuple[Plain, Kind]:
    """Return the value and the type of a plain scalar without a tag."""
    kind = kind_of(text)
    return convert(text, kind), kind


def kind_of(text: str) -> Kind:
    """Return the type of a plain scalar."""
    for kind, pattern in _PATTERNS:
        if pattern.fullmatch(text):
            return kind
    return Kind.STR


def convert(text: str, kind: Kind) -> Plain:
    """Return the value of a text of this kind; an integer may be read as a float."""
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


def fits(found: str, wanted: str) -> bool:
    """Return whether a value of one kind may have the tag of another."""
    if wanted == Kind.STR:
        return found not in (MAPPING, SEQUENCE)
    return wanted == found or (found, wanted) == (Kind.INT, Kind.FLOAT)


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


_SHOWN_LENGTH: Final = 60
# Words of letters and digits, and paths, do not need quotes.
_UNQUOTED: Final = re.compile(r"(?!\.\.\.)[\w./](?:[\w./+ -]*[\w./])?")
# json.dumps leaves these, and YAML requires an escape.
_UNPRINTABLE: Final = re.compile(
    "[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"
)


def scalar_text(value: object) -> str:
    """Write a value as YAML; one that YAML cannot express, as its `repr`."""
    if value is None:
        return "null"
    # Exact types: the `repr` of a subclass may be anything.
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is float:
        return _float(value)
    if type(value) is str:
        return _string(value)
    if type(value) is tuple:  # of our own schema; YAML has lists
        return f"[{', '.join(map(scalar_text, value))}]"
    return _shown(value, repr)


def value_text(value: object) -> str:
    """Write a value as YAML, a string without quotes."""
    return value if isinstance(value, str) else scalar_text(value)


def key_text(key: object) -> str:
    """Write a key; one that is not a string as its `str`."""
    return _string(key) if type(key) is str else _shown(key, str)


def _float(number: float) -> str:
    """Write `1e-06` as `1.0e-6`, which is a number in every version of YAML."""
    text = re.sub("inf|nan", r".\g<0>", repr(number))
    digits, is_power, power = text.partition("e")
    if not is_power:
        return text
    return f"{digits if '.' in digits else f'{digits}.0'}e{int(power):+}"


def _string(text: str) -> str:
    if _UNQUOTED.fullmatch(text) and kind_of(text) is Kind.STR:
        return text
    return in_quotes(text)


def in_quotes(text: str) -> str:
    """Write a string in double quotes, with the escapes that YAML requires."""
    return _UNPRINTABLE.sub(_escape, json.dumps(text, ensure_ascii=False))


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"


def _shown(value: object, show: Any) -> str:
    try:
        text = " ".join(str(show(value)).split())
        text = "".join(c if c.isprintable() else "?" for c in text)
    except Exception:  # noqa: BLE001  -- a hostile `__repr__` may raise anything
        text = f"<{type(value).__name__}>"
    return shortened(text, _SHOWN_LENGTH)
