"""From character offsets, which parsers count, to lines and columns."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from deit_spec.diagnostics import Source, Span


class Edit(NamedTuple):
    """Characters of a text, by offset, and what is read in their place."""

    start: int
    end: int
    text: str


class Positions:
    """The spans of one source, asked for by offset.

    The lines are those of `Source.lines`, so a renderer finds what is meant. What
    is parsed may differ from the source by a few edits, in order: offsets are of
    the text that is parsed, spans are of the source.
    """

    def __init__(self, source: Source, edits: Sequence[Edit] = ()) -> None:
        self.source = source
        self.parsed = _edited(source.text, edits)
        self._edits = edits

    def span(self, start: int, end: int) -> Span:
        """Give the span from one offset up to another."""
        return Span(self.source, *self._place(start), *self._place(max(start, end)))

    def text(self, start: int, end: int | None) -> str:
        """Give the text that is parsed between two offsets, or up to the end."""
        return self.parsed[start:end]

    def original(self, offset: int) -> int:
        """Give the offset in the source of an offset in what is parsed."""
        grown = 0
        for edit in self._edits:
            start = edit.start + grown
            if offset <= start:
                break
            more = len(edit.text) - (edit.end - edit.start)
            if offset < start + len(edit.text):
                return min(edit.start + offset - start, edit.end)
            grown += more
        return offset - grown

    def _place(self, offset: int) -> tuple[int, int]:
        offset = min(max(self.original(offset), 0), len(self.source.text))
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    @cached_property
    def _starts(self) -> list[int]:
        # A clean text is never asked where its lines start.
        starts = [0]
        for line in self.source.lines[:-1]:
            end = starts[-1] + len(line)
            crlf = self.source.text.startswith("\r\n", end)
            starts.append(end + (2 if crlf else 1))
        return starts


def _edited(text: str, edits: Sequence[Edit]) -> str:
    for edit in reversed(edits):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text
