"""Edits that move a key with its value."""

import re
from dataclasses import dataclass
from typing import Final

from deit_spec.diagnostics import Edit, Source
from deit_spec.diagnostics.diagnostic import LINE_BREAK
from deit_spec.yaml_source.document import Entry, Positions

_COLON: Final = re.compile("[ \t]*:[ \t]*")
_NOTHING: Final = re.compile(r"[ \t]*(?:\Z|(?<=[ \t])#)")
_BLANKS: Final = " \t"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that starts with a key; the numbers are offsets."""

    positions: Positions
    start: int
    key: int
    after_key: int
    end: int
    after_break: int

    @property
    def _text(self) -> str:
        return self.positions.source.text

    @property
    def indent(self) -> str:
        """The blanks before the key."""
        return self._text[self.start : self.key]

    @property
    def rest(self) -> str:
        """What follows the key, the comment too, up to the break."""
        return self._text[self.after_key : self.end]

    @property
    def line_break(self) -> str:
        """The line break of the line, or of the file where it has none."""
        own = self._text[self.end : self.after_break]
        found = LINE_BREAK.search(self._text)
        return own or (found and found.group()) or "\n"

    def removed(self) -> Edit:
        """Remove the line with its comment."""
        return Edit(self.positions.span(self.start, self.after_break), "")

    def with_next(self, text: str) -> Edit:
        """Insert a line after it, with the same indentation."""
        end = self.after_break
        line = f"{self.indent}{text}"
        is_last = self.end == end
        added = f"{self.line_break}{line}" if is_last else f"{line}{self.line_break}"
        return Edit(self.positions.span(end, end), added)

    def before_key(self, text: str) -> Edit:
        """Insert a text before the key."""
        return Edit(self.positions.span(self.key, self.key), text)

    def key_as(self, text: str) -> Edit:
        """Replace the key with a text."""
        return Edit(self.positions.span(self.key, self.after_key), text)


def line_of(entry: Entry, source: Source) -> Line | None:
    """Return the line of a key with a scalar value; None if more is on the line."""
    line = line_with(entry, source)
    if line is None or entry.key.line != entry.value.end_line:
        return None
    between = source.text[line.after_key : entry.value.start]
    after = source.text[entry.value.end : line.end]
    return line if _COLON.fullmatch(between) and _NOTHING.match(after) else None


def line_with(entry: Entry, source: Source) -> Line | None:
    """Return the line that starts with a key; None if the key is not its start."""
    if entry.source is not source:
        return None
    positions, text, span = Positions(source), source.text, entry.key
    key, after_key = span.start, span.end
    start = source.offset(span.line, 1)
    if text[start:key].strip(_BLANKS):
        return None
    found = LINE_BREAK.search(text, after_key)
    end, after_break = found.span() if found else (len(text), len(text))
    return Line(positions, start, key, after_key, end, after_break)
