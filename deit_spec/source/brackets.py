"""Which brackets of a text are closed, in a text that may be no YAML."""

import re
from collections.abc import Iterator
from typing import Final

CLOSING: Final = {"[": "]", "{": "}"}
"""What closes each bracket."""
# Quoted texts and comments first, so that a bracket in one is passed over.
_BRACKETS: Final = re.compile(
    r"""'[^']*(?:'|\Z)|"(?:[^\\"]|\\[\s\S])*(?:"|\\?\Z)|(?: |^)\#.*|[\[\]{}]""",
    re.MULTILINE,
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


def _brackets(
    text: str, start: int, end: int | None = None
) -> Iterator[tuple[int, str]]:
    for found in _BRACKETS.finditer(text, start, len(text) if end is None else end):
        if found[0] in "[]{}":
            yield found.start(), found[0]
