"""From character offsets, which parsers count, to lines and columns."""

from bisect import bisect_right

from deit_spec.diagnostics import Source, Span


class Positions:
    """The spans of one source, asked for by offset.

    The lines are those of `Source.lines`, so a renderer finds what is meant.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._starts = _line_starts(source)

    def span(self, start: int, end: int) -> Span:
        """Give the span from one offset up to another."""
        return Span(self.source, *self._place(start), *self._place(max(start, end)))

    def text(self, start: int, end: int | None) -> str:
        """Give the text between two offsets, or up to the end."""
        return self.source.text[start:end]

    def _place(self, offset: int) -> tuple[int, int]:
        offset = min(max(offset, 0), len(self.source.text))
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def _line_starts(source: Source) -> list[int]:
    starts = [0]
    for line in source.lines[:-1]:
        end = starts[-1] + len(line)
        crlf = source.text.startswith("\r\n", end)
        starts.append(end + (2 if crlf else 1))
    return starts
