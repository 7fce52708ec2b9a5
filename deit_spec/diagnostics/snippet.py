"""The lines of one source that a finding points at."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rich.text import Text

from deit_spec.diagnostics.marks import Mark, rows_under
from deit_spec.diagnostics.model import Label, Source, Span
from deit_spec.diagnostics.window import Window

_GUTTER_STYLE: Final = "bold blue"
_SECONDARY_STYLE: Final = "bold blue"
_NARROWEST: Final = 20


class Pointer(NamedTuple):
    """A label, and whether it is the finding's own."""

    label: Label
    primary: bool


class Gutter:
    """The column of line numbers, as wide as the widest of them.

    `room` is how many cells are left beside it.
    """

    def __init__(self, largest: int, width: int) -> None:
        self.width = len(str(largest))
        self.room = max(width - self.width - len(" | "), _NARROWEST)

    def row(self, content: Text, number: int | None = None) -> Text:
        """Put a row beside its line number, or beside none."""
        shown = "" if number is None else str(number)
        row = Text.assemble((f"{shown:<{self.width}} |", _GUTTER_STYLE), " ", content)
        row.rstrip()
        return row

    def arrow(self, arrow: str, words: str) -> Text:
        """Draw a row that belongs to no line: where a section is, or a note."""
        return Text.assemble(" " * self.width, (arrow, _GUTTER_STYLE), " ", words)


def drawn_line(span: Span) -> int:
    """Give the line in which a span begins, or the last there is."""
    return min(max(span.line, 1), len(span.source.lines))


def snippet(
    source: Source, pointers: Sequence[Pointer], gutter: Gutter, style: str
) -> Iterator[Text]:
    """Draw the lines of a source that these labels are in, each once."""
    by_line: dict[int, list[Pointer]] = {}
    for pointer in sorted(pointers, key=lambda each: drawn_line(each.label.span)):
        by_line.setdefault(drawn_line(pointer.label.span), []).append(pointer)
    previous = None
    for number, here in by_line.items():
        if previous is not None:
            yield from _between(source, previous, number, gutter)
        yield from _line(source, number, here, gutter, style)
        previous = number


def _between(
    source: Source, previous: int, number: int, gutter: Gutter
) -> Iterator[Text]:
    if number == previous + 2:
        # One line takes no more room than the mark that it is left out.
        yield from _line(source, number - 1, [], gutter, "")
    elif number > previous + 2:
        yield Text("...", _GUTTER_STYLE)


def _line(
    source: Source,
    number: int,
    pointers: Sequence[Pointer],
    gutter: Gutter,
    style: str,
) -> Iterator[Text]:
    line = source.lines[number - 1]
    ranges = [_range(pointer.label.span, line) for pointer in pointers]
    window = Window(line, ranges or [(0, 0)], gutter.room)
    yield gutter.row(Text(window.text), number)
    if pointers:
        marks = [
            _mark(pointer, window.cell(start), window.cell(end), style)
            for pointer, (start, end) in zip(pointers, ranges, strict=True)
        ]
        yield from map(gutter.row, rows_under(marks))


def _mark(pointer: Pointer, start: int, end: int, style: str) -> Mark:
    # An empty span is a place between characters; it is shown all the same.
    return Mark(
        start,
        max(end, start + 1),
        pointer.label.text,
        pointer.primary,
        style if pointer.primary else _SECONDARY_STYLE,
    )


def _range(span: Span, line: str) -> tuple[int, int]:
    """Give the offsets in the line that a span covers, whatever the span says."""
    if span.line > len(span.source.lines):
        return len(line), len(line)
    start = min(max(span.column - 1, 0), len(line))
    last = len(line.rstrip()) if span.end_line > span.line else span.end_column - 1
    return start, min(max(last, start), len(line))
