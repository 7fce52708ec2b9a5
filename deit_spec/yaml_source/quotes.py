"""A text in quotes that is not closed, and ends where the next one begins."""

import re
from typing import Final, NamedTuple

from deit_spec.diagnostics.diagnostic import LINE_BREAK

_LINE_WITH_KEY: Final = re.compile(r"^[ \t]*[\w-]+:(?:\s|\Z)", re.MULTILINE)
_BEGUN_KEY: Final = re.compile(r"""["'][A-Za-z_][\w-]*:""")
_WORD: Final = re.compile(r"\w")
_DOUBLED: Final = re.compile(r"""(?P<sign>["'])(?P=sign)(?=\w+(?P=sign))""")
_BEHIND: Final = re.compile(r"""["'](?=\s*(?:[:,}\]]|\Z)|[ \t]*[\r\n])""")


def doubled(text: str, offset: int) -> int | None:
    """Find the quote too many at which the parser stops: before a word or behind."""
    if _DOUBLED.match(text, max(offset - 2, 0)):
        return offset - 2
    is_second = offset > 0 and text[offset - 1] == text[offset : offset + 1]
    return offset if is_second and _BEHIND.match(text, offset) else None


class Quote(NamedTuple):
    """The offsets between which a text in quotes stands, and its quote."""

    start: int
    end: int
    sign: str
    lines: int
    where: str
    """In its line, if not at the end, where it was to be closed."""


def closed_late(text: str, offset: int) -> Quote | None:
    """Find the text in quotes that ends where the parser stopped, if it holds keys."""
    end = len(text[:offset].rstrip(" \t"))
    sign = text[end - 1 : end]
    if sign not in {"'", '"'}:
        return None
    start = _opening(text, end - 1, sign)
    if start is None:
        return None
    # Behind it another begins at once, or it has swallowed a line with a key.
    is_another = end == offset and _WORD.match(text, offset)
    if not is_another and not _LINE_WITH_KEY.search(text[start + 1 : end]):
        return None
    first, *rest = LINE_BREAK.split(text[start:end])
    where = " before the `,`" if first.rstrip().endswith(",") else ""
    if not rest:  # `{"depth: 12, "name": …` has lost the quote behind a key
        where = " before the `:`" if _BEGUN_KEY.match(first) else ""
    return Quote(start, end, sign, len(rest) + 1, where) if rest or where else None


def _opening(text: str, end: int, sign: str) -> int | None:
    """Find the quote that the one at an offset closes; two in a row are none."""
    at = text.rfind(sign, 0, end)
    while at > 0 and text[at - 1] in {sign, "\\"}:
        at = text.rfind(sign, 0, at - 1)
    return at if at >= 0 else None
