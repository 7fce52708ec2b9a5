"""Foreign Python objects made tame: plain dicts and lists, and text for the rest.

What a caller hands over may do anything in `items` or `__repr__`; here is the one
place that asks, and the one that catches what comes back.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from deit_spec.yaml_source.scalars import Kind, kind_of

_SHOWN_LENGTH: Final = 60
# Words of letters and digits, and what paths are made of: safe without quotes.
_UNQUOTED: Final = re.compile(r"(?!\.\.\.)[\w./](?:[\w./+ -]*[\w./])?")
# What json.dumps leaves and YAML wants as an escape.
_UNPRINTABLE: Final = re.compile(
    "[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"
)


def plain(value: object, depth: int) -> object:
    """Copy mappings to dicts and lists to lists, down to a depth."""
    if depth == 0:
        return value
    try:
        if isinstance(value, Mapping):
            return {key: plain(item, depth - 1) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item, depth - 1) for item in value]
    except Exception:  # noqa: BLE001 - a hostile object is shown, not raised
        return value
    return value


def scalar_text(value: object) -> str:
    """Write a value as YAML does, and what YAML has no form for as Python does."""
    if value is None:
        return "null"
    # Exact types: a subclass may look like anything, so its repr speaks for it.
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is float:
        return _float(value)
    if type(value) is str:
        return _string(value)
    return _shown(value, repr)


def value_text(value: object) -> str:
    """Write a value as YAML does, a string without quotes."""
    return value if isinstance(value, str) else scalar_text(value)


def key_text(key: object) -> str:
    """Write a key; one that is not a string as its `str`."""
    return _string(key) if type(key) is str else _shown(key, str)


def _float(number: float) -> str:
    """Write `1e-06` as `1.0e-6`, which is a number to every version of YAML."""
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
    """Write a text in quotes, with escapes for what YAML would read otherwise."""
    return _UNPRINTABLE.sub(_escape, json.dumps(text, ensure_ascii=False))


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"


def _shown(value: object, show: Any) -> str:
    try:
        text = " ".join(str(show(value)).split())
        text = "".join(c if c.isprintable() else "?" for c in text)
    except Exception:  # noqa: BLE001 - a hostile object is shown, not raised
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"
