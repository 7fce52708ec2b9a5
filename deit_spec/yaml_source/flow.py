"""What is missing between two entries in braces, where the parser stopped."""

import re
from typing import Final, NamedTuple

from deit_spec.diagnostics.diagnostic import LINE_BREAK
from deit_spec.yaml_source.brackets import CLOSING
from deit_spec.yaml_source.layout import indent_of, start_of_line

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
# `"variant": "init": …` on two lines has lost what the first of them holds.
_UNOPENED: Final = re.compile(rf":[ \t]*\r?\n\s*(?P<key>{_KEY})\s*\Z")
_VALUE: Final = re.compile(rf"(?:=>?)?[ ]*(?P<value>{_QUOTED}|[\w.+-]+)(?=\s*[,}}])")
_LINE_WITH_KEY: Final = re.compile(rf"[\r\n][ \t]*{_KEY}\s*:")
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
    before = text[max(offset - _REACH, 0) : offset]
    return (
        _wrong_bracket(text, offset, opening)
        or _no_brace(text, offset, before)
        or _no_comma(text, offset, before)
        or (_no_colon(text, offset, before) if opening == "{" else None)
    )


def _wrong_bracket(text: str, offset: int, opening: str) -> Gap | None:
    """A bracket that closes another kind than is open."""
    here, closing = text[offset : offset + 1], CLOSING[opening]
    if not here or here not in "]}" or here == closing:
        return None
    is_closed = text[offset + 1 :].lstrip().startswith(closing)
    instead = f"write `{closing}` in place of `{here}`"
    help_ = f"remove the `{here}`" if is_closed else instead
    return Gap(offset, offset + 1, f"`{here}` closes no `{opening}`", help_)


def _no_brace(text: str, offset: int, before: str) -> Gap | None:
    """A key that begins what another holds, on the next line."""
    first = _UNOPENED.search(before)
    if first is None or text[offset : offset + 1] != ":":
        return None
    began, key = offset - len(before), first["key"]
    start, end = began + first.start("key"), began + first.end("key")
    return Gap(start, end, f"there is no `{{` before `{key}`", f"write `{{{key}`")


def _no_comma(text: str, offset: int, before: str) -> Gap | None:
    """Two entries without a comma between, or with a `;`."""
    began, is_key = offset - len(before), _KEY_HERE.match(text, offset)
    if is_key and (closed := _CLOSED.search(before)):
        at, sign = began + closed.start(), closed[0][0]
        return Gap(at, at + 1, f"there is no comma behind `{sign}`", f"write `{sign},`")
    found = _NO_COMMA.search(before)
    if found is None and is_key:
        found = _NO_COMMA_HERE.search(before)
    if found is None:
        return None
    value, gap = found["value"], found["gap"].strip()
    start, end = began + found.start("value"), began + found.end("value")
    message = f"there is no comma behind `{value}`"
    if gap:
        at = text.index(gap, end)
        return Gap(at, at + 1, message, f"write `,` in place of `{gap}`")
    return Gap(start, end, message, f"write `{value},`")


def _no_colon(text: str, offset: int, before: str) -> Gap | None:
    """A key and a value with something else than `:` between, or nothing."""
    key, value = _AFTER_KEY.search(before), _VALUE.match(text, offset)
    if key is None or value is None:
        return None
    start, end = offset - len(before) + key.start("key"), value.end()
    message = f"`{text[start:end]}` is not of the form `key: value`"
    return Gap(start, end, message, f"write `{key['key']}: {value['value']}`")
