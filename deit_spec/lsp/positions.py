r"""Places as a language client counts them: lines from 0, columns in code units.

Its lines end at `\n`, `\r\n` and `\r` alone, where YAML 1.1 has three more
breaks. So a `Span` and a position meet in the offset, which both agree on.
"""

from bisect import bisect_right
from functools import cached_property

from lsprotocol import types
from pygls.workspace import PositionCodec

from deit_spec.diagnostics import Span
from deit_spec.diagnostics.diagnostic import LINE_BREAK


class Text:
    """A text as the client has it; `codec` counts in the units agreed on."""

    def __init__(self, text: str, codec: PositionCodec) -> None:
        self.text = text
        self._codec = codec

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in LINE_BREAK.finditer(self.text))]

    @cached_property
    def _marks(self) -> int:
        """How many marks of byte order come first, which no source has."""
        return len(self.text) - len(self.text.lstrip("\ufeff"))

    def line(self, number: int) -> str:
        """A line, from 0, without its break; there is none past the last."""
        start = self._starts[number]
        found = LINE_BREAK.search(self.text, start)
        return self.text[start : found.start() if found else None]

    def __len__(self) -> int:
        """How many lines there are: one more than breaks."""
        return len(self._starts)

    def place(self, offset: int) -> tuple[int, int]:
        """The line and the column, both from 0 and in characters, of an offset."""
        line = bisect_right(self._starts, offset) - 1
        return line, offset - self._starts[line]

    def position(self, offset: int) -> types.Position:
        """The position of an offset; one beyond the text is its end."""
        offset = min(max(offset, 0), len(self.text))
        line, _ = self.place(offset)
        before = self.text[self._starts[line] : offset]
        return types.Position(line, self._codec.client_num_units(before))

    def offset(self, position: types.Position) -> int:
        """The offset of a position; one beyond its line is the end of that."""
        if position.line >= len(self._starts):
            return len(self.text)
        line = self.line(position.line)
        return self._starts[position.line] + self._column(line, position.character)

    def range(self, start: int, end: int) -> types.Range:
        """The range between two offsets."""
        return types.Range(self.position(start), self.position(end))

    def span(self, span: Span) -> types.Range:
        """The range of a span; its source may lack the text's byte order mark."""
        return self.range(*self.offsets(span))

    def offsets(self, span: Span) -> tuple[int, int]:
        """The offsets of a span, which cost far less than its range to find."""
        return span.start + self._marks, span.end + self._marks

    def changed(self, change: types.TextDocumentContentChangeEvent) -> "Text":
        """The text after a change of a part of it, or of it all."""
        if not isinstance(change, types.TextDocumentContentChangePartial):
            return Text(change.text, self._codec)
        start, end = self.offset(change.range.start), self.offset(change.range.end)
        text = self.text[:start] + change.text + self.text[max(start, end) :]
        return Text(text, self._codec)

    def of(self, other: str) -> "Text":
        """Another text, counted in the same units."""
        return Text(other, self._codec)

    def _column(self, line: str, units: int) -> int:
        if line.isascii():
            return min(units, len(line))
        for column, character in enumerate(line):
            if units <= 0:
                return column
            units -= self._codec.client_num_units(character)
        return len(line)
