"""Brackets, and what stands between them, in a text that may be no YAML."""

import re
from collections.abc import Iterator
from typing import Final

CLOSING: Final = {"[": "]", "{": "}"}
"""What closes each bracket."""
# Quotes and brackets open something where a value may begin: not in `it's a[1]`.
_BEGINS: Final = r"(?<![^\s,\[{:-])"
# Quoted texts and comments first, so that what is in one is passed over. A quote
# that none closes goes on to the end, or each that follows would be looked at again.
_PARTS: Final = re.compile(
    rf"""{_BEGINS}'[^']*(?:'|\Z)
    |{_BEGINS}"(?:[^\\"]|\\[\s\S])*(?:"|\\?\Z)
    |(?P<comment>(?:[ \t]|^)\#[^\r\n]*)
    |(?P<bracket>[\[\]{{}}])
    |(?P<end>,|:(?=\s)|(?<=["']):|[\r\n])""",
    re.MULTILINE | re.VERBOSE,
)


def last_open(text: str, end: int | None = None) -> int | None:
    """Give the offset of the last bracket of a text that none closes."""
    opened: list[int] = []
    for at, bracket in _brackets(text, 0, end):
        if bracket in CLOSING:
            opened.append(at)
        elif opened:
            opened.pop()
    return opened[-1] if opened else None


def is_closed(text: str, start: int) -> bool:
    """Whether the bracket at an offset is closed, and all that it holds."""
    opened: list[str] = []
    for _, bracket in _brackets(text, start):
        if bracket in CLOSING:
            opened.append(bracket)
        elif CLOSING[opened.pop()] != bracket:
            return False
        if not opened:
            return True
    return False


def outermost(text: str) -> Iterator[tuple[int, int]]:
    """Give the offsets of each bracket that is in no other, and behind what closes it.

    One that none closes goes on to the end.
    """
    depth, since = 0, 0
    for at, bracket in _brackets(text, 0):
        is_opening = bracket in CLOSING
        since = since if depth else at
        depth += 1 if is_opening else -1
        if not depth:
            yield since, at + 1
    if depth:
        yield since, len(text)


def value_around(text: str, opened: int, offset: int) -> tuple[int, int]:
    """Give the place of what stands between two commas of a bracket, or a colon.

    `opened` is the bracket, and `offset` in the value.
    """
    start, end, depth = opened + 1, len(text), 0
    for part in _PARTS.finditer(text, start):
        sign = part[0]
        is_over = part.start() >= offset
        depth += sign in CLOSING
        if not depth and part["end"] and sign in ",:" and not is_over:
            start = part.end()
        ends = part["comment"] or sign in {",", "]", "}", "\r", "\n"}
        if is_over and ends and depth <= 0:
            end = part.start()
            break
        depth -= bool(part["bracket"]) and sign not in CLOSING
    value = text[start:end]
    return start + len(value) - len(value.lstrip()), start + len(value.rstrip())


def _brackets(
    text: str, start: int, end: int | None = None
) -> Iterator[tuple[int, str]]:
    """Give the brackets that are some; in brackets, all are."""
    depth = 0
    for found in _PARTS.finditer(text, start, len(text) if end is None else end):
        if not (bracket := found["bracket"]):
            continue
        at = found.start()
        if bracket not in CLOSING:
            if depth:
                depth -= 1
                yield at, bracket
        elif depth or at == start or text[at - 1] in " \t\r\n,:-":
            depth += 1
            yield at, bracket
