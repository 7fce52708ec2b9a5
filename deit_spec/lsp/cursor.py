"""What a cursor stands at, told from the lines alone.

While a line is written the text is mostly no YAML, so nothing here parses it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from deit_spec.lsp.positions import Text

Path = tuple[str, ...]

_ENTRY: Final = re.compile(
    r"""\ufeff?(?P<indent> *)(?P<mark>["']?)(?P<key>[\w.-]+)(?P=mark)[ \t]*:(?=\s|$)"""
)
_KEY: Final = re.compile(r"\ufeff?(?P<indent> *)(?P<word>[\w.-]*)")
_VALUE: Final = re.compile(r"""[ \t]+(?P<mark>["']?)(?P<word>[^"'#]*)""")
_FLOW: Final = re.compile(r"\ufeff?[ ]*variant[ \t]*:[ \t]*\{(?P<inside>[^{}#]*)")
_FLOW_KEY: Final = re.compile(r"(?:.*,)?[ \t]*(?P<word>[\w.-]*)")
_FLOW_VALUE: Final = re.compile(
    r"""(?:.*,)?[ \t]*(?P<key>[\w.-]+):[ \t]+(?P<mark>["']?)(?P<word>[^"',]*)"""
)
_REST: Final = re.compile(r"[\w.-]*")
_REST_OF_VALUE: Final = re.compile(r"""[^"'#,}\s]*""")
_COLON: Final = re.compile(r"[ \t]*:")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A word that is written: a key of the mapping at `outer`, or the value of `key`.

    `start` and `end` are the offsets of the whole word, `word` is what stands
    before the cursor. `has_value` tells of a key whether a colon follows.
    """

    outer: Path
    word: str
    start: int
    end: int
    key: str | None = None
    has_value: bool = False


def cursor_at(text: Text, offset: int) -> Cursor | None:
    """Tell what is written at an offset; None where no field can be."""
    number, column = text.place(offset)
    line = text.line(number)
    before, after = line[:column], line[column:]
    if flow := _FLOW.fullmatch(before):
        return _in_flow(flow["inside"], offset, after)
    if entry := _ENTRY.match(before):
        outer = _outer(text, number, entry["indent"])
        value = _VALUE.fullmatch(before, entry.end())
        if value is None or outer is None:
            return None
        return _value(outer, entry["key"], value["word"], offset, after)
    key = _KEY.fullmatch(before)
    if key is None:
        return None
    outer = _outer(text, number, key["indent"])
    return None if outer is None else _key(outer, key["word"], offset, after)


def entry_at(text: Text, offset: int) -> tuple[Path, int, int] | None:
    """The path of the key whose line an offset is on, and the key's offsets."""
    number, column = text.place(offset)
    line = text.line(number)
    entry = _ENTRY.match(line)
    outer = _outer(text, number, entry["indent"]) if entry else None
    if entry is None or outer is None or column < entry.start("key"):
        return None
    start = offset - column
    return (*outer, entry["key"]), start + entry.start("key"), start + entry.end("key")


def written(text: Text, offset: int, outer: Path) -> set[str]:
    """The keys that are there besides the line, or the word, at an offset."""
    number, _ = text.place(offset)
    line = text.line(number)
    if outer and (flow := _FLOW.match(line)):
        return set(re.findall(r"([\w.-]+)[ \t]*:", flow["inside"]))
    return {
        entry["key"]
        for other, entry, where in _entries(text)
        if where == outer and other != number
    }


def _outer(text: Text, number: int, indent: str) -> Path | None:
    """The mapping that a line of this indent is in; None where it can be in none."""
    outer: Path | None = ()
    for above, entry, where in _entries(text):
        if above >= number:
            break
        if len(entry["indent"]) < len(indent):
            outer = _opened(entry, where)
    return outer


def _entries(text: Text) -> Iterator[tuple[int, re.Match[str], Path | None]]:
    """The lines with a key, and the mapping that each is in."""
    around: list[tuple[int, Path | None]] = []
    for number in range(len(text)):
        if entry := _ENTRY.match(text.line(number)):
            width = len(entry["indent"])
            while around and around[-1][0] >= width:
                around.pop()
            outer = around[-1][1] if around else ()
            yield number, entry, outer
            around.append((width, _opened(entry, outer)))


def _opened(entry: re.Match[str], outer: Path | None) -> Path | None:
    """The mapping that a line opens for those indented below it."""
    rest = entry.string[entry.end() :].partition("#")[0]
    is_open = entry["key"] == "variant" and outer == () and not rest.strip()
    return ("variant",) if is_open else None


def _in_flow(inside: str, offset: int, after: str) -> Cursor | None:
    if value := _FLOW_VALUE.fullmatch(inside):
        return _value(("variant",), value["key"], value["word"], offset, after)
    key = _FLOW_KEY.fullmatch(inside)
    return _key(("variant",), key["word"], offset, after) if key else None


def _key(outer: Path, word: str, offset: int, after: str) -> Cursor:
    rest = _REST.match(after)
    end = rest.end() if rest else 0
    has_value = _COLON.match(after, end) is not None
    return Cursor(outer, word, offset - len(word), offset + end, has_value=has_value)


def _value(outer: Path, key: str, word: str, offset: int, after: str) -> Cursor:
    rest = _REST_OF_VALUE.match(after)
    end = offset + (rest.end() if rest else 0)
    return Cursor(outer, word, offset - len(word), end, key)
