"""The line that the parser took for a text, where it stopped at another.

`depth :12` is a text to YAML, and only a key in the next line makes it a mistake.
"""

import re
from typing import Final, NamedTuple

from yaml.error import MarkedYAMLError

from deit_spec.yaml_source.layout import FENCE, SHORT, indent_of, is_content, line_at
from deit_spec.yaml_source.sentences import NO_COLON, NO_MAPPING, NO_START

NO_PAIR: Final = "remove the line, or write it as `key: value`"
_LINE: Final = re.compile(r"[^\r\n]+")
_OPENING: Final = re.compile(r"^ *(?P<key>[A-Za-z_]\w*):[ ]*\r?\n\Z", re.MULTILINE)
_QUOTED_PAIR: Final = re.compile(r"""(["'])(?P<pair>\w+: [^"']+)\1""")
_COLON: Final = re.compile(r":(?:[ \t\r\n]|$)")
# What is written in place of `: `, and a value that stands as well behind it.
_PAIR: Final = re.compile(
    r"""(?P<quote>["']?)(?P<key>[A-Za-z_][\w-]*)(?P=quote)
    (?:\s*(?::=|=[=>]?|->)\s*|\s*:(?=[^\s:=])|[ ]*\t\s*|:[^\S\n\r\t ]\s*)
    (?P<value>\{[^{}]*\}|"[^"\\]*"|'[^']*'|[\w.+/-].*)""",
    re.VERBOSE,
)


# Markdown's marks of code and of what is bold.
_MARKED: Final = re.compile(
    r"(?P<mark>`|\*\*?)(?P<key>[A-Za-z_]\w*)(?P=mark)\s*:\s+(?P<value>\S.*)"
)


class Line(NamedTuple):
    """A line without its indentation, and what to write in its place."""

    start: int
    text: str
    help: str

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.start + len(self.text)


def misread(error: MarkedYAMLError, offset: int, text: str) -> Line | None:
    """Find the line that is no key with a value, if that is what stopped the parser."""
    start, line = line_at(text, offset)
    if error.problem == NO_COLON:
        since, before = line_at(text, _since(error, offset))
        return (
            _as_pair(since, before)
            or _as_value(since, before, text)
            or _as_opening(since, before, line)
            or _whole(since, before, NO_PAIR)
        )
    if marked := _MARKED.fullmatch(line.partition(" #")[0].strip()):
        return _whole(start, line, f"`{marked['key']}: {marked['value']}`")
    if error.problem not in {NO_MAPPING, NO_START}:
        return None
    if own := _as_pair(start, line):
        return own
    # A second colon in a line is a mistake of that line.
    return None if _COLON.search(text[start:offset]) else _above(text[:start], line)


def _since(error: MarkedYAMLError, offset: int) -> int:
    return error.context_mark.index if error.context_mark else offset


def _as_pair(start: int, line: str) -> Line | None:
    """A line that has something else where `: ` belongs."""
    found = _PAIR.fullmatch(line.partition("#")[0].strip())
    if found is None or len(line) > SHORT:
        return None
    value = found["value"]
    if _COLON.search(value) and not value.startswith("{"):
        return None
    return _whole(start, line, f"`{found['key']}: {value}`")


def _above(before: str, line: str) -> Line | None:
    """The line above one with a key, if it is a text."""
    lines = [found for found in _LINE.finditer(before) if is_content(found[0])]
    if not lines:
        return None
    start, text = lines[-1].start(), lines[-1][0]
    if quoted := _QUOTED_PAIR.fullmatch(text.strip()):
        return _whole(start, text, f"`{quoted['pair']}`")
    if _COLON.search(text):
        return None
    pairs = [found[0] for found in lines if _COLON.search(found[0])]
    if pairs and _holds(pairs[-1], text):
        return None
    return (
        _as_value(start, text, before)
        or _as_opening(start, text, line)
        or _as_pair(start, text)
        or _whole(start, text, _about(text))
    )


def _about(text: str) -> str:
    if text.strip() in {"...", "---"} or FENCE.fullmatch(text.strip()):
        return "remove the line"
    return NO_PAIR


def _as_opening(start: int, text: str, line: str) -> Line | None:
    """A word with a deeper line below it: a key without its colon."""
    is_one = re.fullmatch(r"[ \t]*\w+[ \t]*", text)
    if is_one and indent_of(line) > indent_of(text):
        return _whole(start, text, f"write `{text.strip()}:`")
    return None


def _as_value(start: int, line: str, text: str) -> Line | None:
    """A line that is the value of the key above it, and stands as far to the left."""
    opening = _OPENING.search(text, 0, start)
    if opening is None or indent_of(line) > indent_of(opening[0]):
        return None
    value = line.partition(" #")[0].strip()
    return _whole(start, line, f"write `{opening['key']}: {value}` in one line")


def _holds(pair: str, text: str) -> bool:
    """Whether a text goes on with the value of a key above it."""
    value = f" {_COLON.split(pair, maxsplit=1)[1]}".partition(" #")[0].strip()
    return bool(value) and indent_of(text) > indent_of(pair)


def _whole(start: int, line: str, help_: str) -> Line:
    text = line.partition(" #")[0].strip()
    return Line(start + line.index(text), text, help_)
