"""What to do with the line at which the parser stopped, where all else is closed."""

import re
from typing import Final

from deit_spec.diagnostics.diagnostic import LINE_BREAK
from deit_spec.yaml_source.brackets import last_open, value_around
from deit_spec.yaml_source.document import IsKey
from deit_spec.yaml_source.layout import FENCE, SHORT, indent_of, is_content, line_at
from deit_spec.yaml_source.misread import NO_PAIR
from deit_spec.yaml_source.scalars import in_quotes
from deit_spec.yaml_source.sentences import (
    NO_BEGINNING,
    NO_CONTENT,
    NO_DASH,
    NO_KEY,
    NO_MAPPING,
    NO_START,
)

_REFUSED: Final = (NO_DASH, NO_CONTENT)
_LEFT_OVER: Final = (NO_KEY, NO_START)
_SEPARATOR: Final = re.compile(r"---|\.\.\.")
# Of a template, as in Jinja: `{% if x %}`.
_STATEMENT: Final = re.compile(r"\{%[^%]*%\}")
_BEGUN: Final = re.compile(r"--- +(\w+: .*)")
_SECOND: Final = re.compile(r"[^\s:,;]+(?: +|[,;] *)(\w+: .*)")
_ITEM: Final = r"[A-Za-z_]\w*: +[^\s:,]+"
_PAIRS: Final = re.compile(rf"(?=(?P<key>\w+)){_ITEM}(?P<more>(?:, +{_ITEM})*)")
# A number, what may stand before it by mistake, and what behind it.
_ALONE: Final = re.compile(
    r"""(?:[@`%"'>]|:[ ]+)?
    (?P<number>[-+]?[0-9][0-9.eE+-]*)
    (?:`|["']?(?:\s*:)?\s.*|:)?""",
    re.VERBOSE,
)
_OPENING: Final = re.compile(r"\b(?P<key>[A-Za-z_]\w*):\s*\Z")
_NOTHING: Final = re.compile(
    r"^(?P<line> *(?P<key>[A-Za-z_]\w*): *(?P<value>\{\}|\[\]|null|~)[ \t]*)"
    r"(?:#[^\r\n]*)?(?:\r\n|[\r\n])\Z",
    re.MULTILINE,
)
_COMMENTED: Final = re.compile(
    r"^(?P<indent> *)(?P<sign>#+ *)(?P<key>[A-Za-z_]\w*):[ \t]*(?:\r\n|[\r\n])\Z",
    re.MULTILINE,
)
_DASH: Final = re.compile(r"^[ \t]*-(?:[ \t][^\r\n]*)?(?:\r\n|[\r\n])\Z", re.MULTILINE)
_KEY: Final = re.compile(r" *(?:- *)?\S+? *:(?: +|$)")
_MISPLACED: Final = "remove the line, or write it where the other keys are"
_WITHOUT_DASHES: Final = "write one `key: value` a line, without `-`"


def about_line(text: str, offset: int, problem: str, is_key: IsKey) -> str:
    """Say how the line might be meant: its value is a text, or it is misplaced."""
    here = text[offset : offset + 1].strip()
    start, line = line_at(text, offset)
    patterns = (_SEPARATOR, _STATEMENT, FENCE)
    if any(pattern.fullmatch(line.strip()) for pattern in patterns):
        return "remove the line"
    is_sign = here and not here.isalnum() and here not in "\"'_"
    if is_sign and (problem in _REFUSED or (problem in _LEFT_OVER and here in "]},;")):
        return f"remove the `{here}`"
    if problem == NO_BEGINNING and not line[: offset - start].strip() and here != "`":
        return f"remove the `{here}`"
    if (opened := last_open(text, offset)) is not None:
        first, last = value_around(text, opened, offset)
        return _as_scalar(text[first:last])
    return (
        _about_value(line, offset - start, problem, is_key)
        or ("- " in line[: indent_of(line) + 2] and _WITHOUT_DASHES)
        or _about_indent(text[:start], line)
    )


def _about_value(line: str, column: int, problem: str, is_key: IsKey) -> str | None:
    """Say what a value is that the parser stopped in: a text, or another key."""
    if begun := _BEGUN.fullmatch(line):
        return f"write `{begun[1]}` on a line of its own"
    key = _KEY.match(line)
    value = line[key.end() :].partition(" #")[0].rstrip() if key else ""
    if not key or not value:
        return None
    if len(value) > SHORT:
        return _as_scalar(value)
    if more := _SECOND.fullmatch(value):
        return f"write `{more[1]}` on a line of its own"
    pairs = _PAIRS.fullmatch(value) if problem == NO_MAPPING else None
    if pairs and is_key(pairs["key"]):
        several = f"put braces around the pairs: `{{{value}}}`"
        one = f"write `{value}` in the next line, indented"
        return several if pairs["more"] else one
    return _as_scalar(value) if column >= key.end() else None


def _as_scalar(value: str) -> str:
    """Say how a value is no more than one: a number, or a text."""
    if number := _ALONE.fullmatch(value):
        return f"write the number alone: `{number['number']}`"
    is_short = len(value) <= SHORT and not LINE_BREAK.search(value)
    return f"quote the value: `{in_quotes(value)}`" if is_short else "quote the value"


def _about_indent(before: str, line: str) -> str:
    """Say which line above to indent a line as, if it is not so already."""
    above = [
        (indent_of(one), number)
        for number, one in enumerate(LINE_BREAK.split(before), 1)
        if is_content(one)
    ]
    here = indent_of(line)
    if slip := _about_above(before, line):
        return slip
    if above and above[-1][0] != here:
        is_next = above[-1][1] == len(LINE_BREAK.split(before)) - 1
        other = "the one above it" if is_next else f"line {above[-1][1]}"
        return f"indent the line as {other}"
    if outer := [number for indent, number in above if indent < here]:
        return f"indent the line as line {outer[-1]}"
    return _MISPLACED if _KEY.match(line) else NO_PAIR


def _about_above(before: str, line: str) -> str | None:
    """Say what is wrong with the line above: its value is below it, or it has a `-`."""
    opening = _OPENING.search(before)
    if opening and not _KEY.match(line):
        return f"write `{opening['key']}: {line.strip()}` in one line"
    nothing = _NOTHING.search(before)
    if nothing and indent_of(line) > indent_of(nothing["line"]):
        return f"remove the `{nothing['value']}` behind `{nothing['key']}:`"
    head = _COMMENTED.search(before)
    if head and indent_of(line) > len(head["indent"]):
        return f"remove the `{head['sign']}` before `{head['key']}:`"
    dash = _DASH.search(before)
    if dash and not line.lstrip().startswith("-"):
        return f"write line {len(LINE_BREAK.split(before[: dash.start()]))} without `-`"
    return None
