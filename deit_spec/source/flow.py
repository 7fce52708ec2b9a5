"""What is missing between two entries in braces, where the parser stopped."""

import re
from typing import Final, NamedTuple

from deit_spec.diagnostics.model import LINE_BREAK
from deit_spec.source.brackets import CLOSING
from deit_spec.source.layout import indent_of, start_of_line

_QUOTED: Final = r""""(?:[^"\\]|\\.)*"|'[^']*'"""
_KEY: Final = rf"(?:{_QUOTED}|[A-Za-z_][\w-]*)"
# `3 "embed_dim"` is one text to YAML, up to the colon behind it.
_NO_COMMA: Final = re.compile(
    rf":\s*(?P<value>{_QUOTED}|[^\s,;{{}}\[\]:]+)(?P<gap>\s*;\s*|\s+){_KEY}\s*\Z"
)
# Behind quotes the parser stops where the next key begins.
_NO_COMMA_HERE: Final = re.compile(rf":\s*(?P<value>{_QUOTED})(?P<gap>\s*;\s*|\s*)\Z")
_KEY_HERE: Final = re.compile(rf"{_KEY}\s*:")
_CLOSED: Final = re.compile(r"[\]}]\s*\Z")
_AFTER_KEY: Final = re.compile(rf"[{{,]\s*(?P<key>{_KEY})\s*\Z")
_VALUE: Final = re.compile(rf"=?[ ]*(?P<value>{_QUOTED}|[\w.+-]+)(?=\s*[,}}])")
_LINE_WITH_KEY: Final = re.compile(rf"[\r\n][ \t]*{_KEY}\s*:")
_PARTS: Final = re.compile(rf"{_QUOTED}|[\[\]{{}},]|:(?=\s)|(?<=[\"']):|[\r\n]")
_REACH: Final = 500
"""Characters that are looked back at most."""


class Gap(NamedTuple):
    """Where something is missing or wrong, what is so, and what to do."""

    start: int
    end: int
    message: str
    help: str


def is_left_open(text: str, opened: int, offset: int) -> bool:
    """Whether a bracket should have been closed in a line above, where it is opened.

    A list has no line with a key, and what follows a key in a block no line that
    stands as far to the left as that.
    """
    since = text[opened:offset]
    if text[opened] == "[":
        return bool(_LINE_WITH_KEY.search(since))
    start = start_of_line(text, opened)
    line = text[start:opened]
    indent = indent_of(line)
    if not line.strip(" ") or not (found := LINE_BREAK.search(since)):
        return False
    ended = LINE_BREAK.search(text, offset)
    end = ended.start() if ended else len(text)
    lines = LINE_BREAK.split(text[opened + found.end() : end])
    begun = (each for each in lines if each.strip() and each.lstrip()[0] not in "}]#,")
    return any(indent_of(each) <= indent for each in begun)


def find_gap(text: str, offset: int, opening: str) -> Gap | None:
    """Find what keeps the parser from reading on in a bracket that is open.

    `opening` is the bracket, and `offset` where the parser stopped.
    """
    before, here = text[max(offset - _REACH, 0) : offset], text[offset : offset + 1]
    began = offset - len(before)
    if here and here in "]}" and here != CLOSING[opening]:
        closing = CLOSING[opening]
        is_closed = text[offset + 1 :].lstrip().startswith(closing)
        message = f"`{here}` closes no `{opening}`"
        instead = f"write `{closing}` in place of `{here}`"
        help_ = f"remove the `{here}`" if is_closed else instead
        return Gap(offset, offset + 1, message, help_)
    if (closed := _CLOSED.search(before)) and _KEY_HERE.match(text, offset):
        at, sign = began + closed.start(), closed[0][0]
        return Gap(at, at + 1, f"there is no comma behind `{sign}`", f"write `{sign},`")
    found = _NO_COMMA.search(before)
    if found is None and _KEY_HERE.match(text, offset):
        found = _NO_COMMA_HERE.search(before)
    if found:
        value, gap = found["value"], found["gap"].strip()
        end = began + found.end("value")
        message = f"there is no comma behind `{value}`"
        if gap:
            at = text.index(gap, end)
            return Gap(at, at + 1, message, f"write `,` in place of `{gap}`")
        start = began + found.start("value")
        return Gap(start, end, message, f"write `{value},`")
    key, value = _AFTER_KEY.search(before), _VALUE.match(text, offset)
    if opening != "{" or key is None or value is None:
        return None
    start, end = began + key.start("key"), value.end()
    message = f"`{text[start:end]}` is not of the form `key: value`"
    return Gap(start, end, message, f"write `{key['key']}: {value['value']}`")


def value_around(text: str, opened: int, offset: int) -> tuple[int, int]:
    """Give the place of what stands between two commas of a bracket, or a colon."""
    start, depth = opened + 1, 0
    for part in _PARTS.finditer(text, start, offset):
        depth += (part[0] in CLOSING) - (part[0] in CLOSING.values())
        if not depth and part[0] in ":,":
            start = part.end()
    end = len(text)
    for part in _PARTS.finditer(text, offset):
        depth += part[0] in CLOSING
        if depth <= 0 and part[0] in "]},\r\n":
            end = part.start()
            break
        depth -= part[0] in CLOSING.values()
    value = text[start:end]
    return start + len(value) - len(value.lstrip()), start + len(value.rstrip())
