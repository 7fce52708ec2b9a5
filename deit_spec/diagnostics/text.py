"""Diagnostics as text for people, in the style of rustc.

error[DS203]: embed_dim is not divisible by num_heads
--> base.yaml:3:12
|
3 | embed_dim: 770
|            ^^^ 770 = 12 × 64 + 2
...
6 | num_heads: 12
|            -- 12 heads
|
= help: `embed_dim: 768` or `embed_dim: 780`
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, chain, groupby
from typing import Final, NamedTuple, TypeAlias

from rich.cells import cell_len
from rich.text import Text

from deit_spec.diagnostics.diagnostic import Diagnostic, Label, Severity, Source, Span
from deit_spec.diagnostics.printable import visible, visible_character

_STYLES: Final = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.NOTE: "bold cyan",
}
_GUTTER_STYLE: Final = "bold blue"
_SECONDARY_STYLE: Final = "bold blue"
_NARROWEST: Final = 20
_ELLIPSIS: Final = "…"

Range: TypeAlias = tuple[int, int]
"""The offsets of a part of a line; the end is exclusive."""


def render(diagnostics: Sequence[Diagnostic], *, width: int = 100) -> Text:
    """Render diagnostics one below the other, in the given order.

    Source lines are shortened to the width; messages are not, so print the result
    with `soft_wrap=True`. There is no line break at the end.
    """
    blocks = [Text("\n").join(_diagnostic(each, width)) for each in diagnostics]
    text = Text("\n\n").join(blocks)
    text.no_wrap = True
    text.overflow = "ignore"
    return text


def summary(
    diagnostics: Sequence[Diagnostic],
    fixes: int | None = None,
) -> str:
    """Count diagnostics and fixes: `2 errors and 1 warning in base.yaml`.

    `fixes` is the number of fixes that `validate --fix` applies, if it is known; by
    default it is that of the findings with a fix.
    """
    counts = Counter(each.severity for each in diagnostics)
    kinds = [_count(counts[kind], kind.value) for kind in Severity if counts[kind]]
    names = {each.primary.span.source.name for each in diagnostics}
    if not kinds:
        return "no findings"
    listed = " and ".join(filter(None, [", ".join(kinds[:-1]), kinds[-1]]))
    where = visible(names.pop()) if len(names) == 1 else _count(len(names), "file")
    if fixes is None:
        fixes = sum(each.fix is not None for each in diagnostics)
    fix = f"; `deit-spec validate --fix` fixes {fixes}" if fixes else ""
    return f"{listed} in {where}{fix}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _diagnostic(diagnostic: Diagnostic, width: int) -> Iterator[Text]:
    primary, style = diagnostic.primary, _STYLES[diagnostic.severity]
    yield Text.assemble(
        (f"{diagnostic.severity.value}[{diagnostic.code}]", style),
        (f": {visible(diagnostic.message)}".rstrip(), "bold"),
    )
    sections: dict[Source, list[Pointer]] = {
        primary.span.source: [Pointer(primary, style)]
    }
    for label in diagnostic.secondary:
        pointers = sections.setdefault(label.span.source, [])
        pointers.append(Pointer(label, _SECONDARY_STYLE, primary=False))
    lines = [pointer.line for pointers in sections.values() for pointer in pointers]
    gutter = Gutter(max(lines), width)
    for source, pointers in sections.items():
        if source is primary.span.source:
            yield gutter.arrow("-->", visible(str(primary.span)))
        else:
            first = min((each.label.span for each in pointers), key=_start)
            yield gutter.row(Text())
            yield gutter.arrow(":::", visible(str(first)))
        # An empty or unreadable file has no line to show.
        if source.text:
            yield gutter.row(Text())
            yield from _snippet(source, pointers, gutter)
    yield from _annotations(diagnostic, gutter)


def _start(span: Span) -> tuple[int, int]:
    return span.line, span.column


def _annotations(diagnostic: Diagnostic, gutter: "Gutter") -> Iterator[Text]:
    if diagnostic.notes or diagnostic.helps:
        yield gutter.row(Text())
    for kind, texts in (("note", diagnostic.notes), ("help", diagnostic.helps)):
        indent = " " * (gutter.width + len(f" = {kind}: "))
        for text in texts:
            first, *others = text.split("\n")
            row = gutter.arrow(" =", f"{kind}: {visible(first)}")
            row.rstrip()
            yield row
            for other in others:
                yield Text((indent + visible(other)).rstrip())


class Gutter:
    """The column of line numbers. `room` is the width to the right of it."""

    def __init__(self, largest: int, width: int) -> None:
        self.width = len(str(largest))
        self.room = max(width - self.width - len(" | "), _NARROWEST)

    def row(self, content: Text, number: int | None = None) -> Text:
        """Draw a row, with a line number or without."""
        shown = "" if number is None else str(number)
        row = Text.assemble((f"{shown:<{self.width}} |", _GUTTER_STYLE), " ", content)
        row.rstrip()
        return row

    def arrow(self, arrow: str, text: str) -> Text:
        """Draw a row outside the source: a location or a note."""
        return Text.assemble(" " * self.width, (arrow, _GUTTER_STYLE), " ", text)


class Pointer(NamedTuple):
    """A label, and how it is drawn."""

    label: Label
    style: str
    primary: bool = True

    @property
    def line(self) -> int:
        """The number of the line in which the label is drawn."""
        span = self.label.span
        return min(max(span.line, 1), len(span.source.lines))


def _snippet(
    source: Source, pointers: Sequence[Pointer], gutter: Gutter
) -> Iterator[Text]:
    """Draw each line of a source that has a label."""
    previous = None
    by_line = groupby(sorted(pointers, key=lambda each: each.line), lambda p: p.line)
    for number, group in by_line:
        if previous is not None and number == previous + 2:
            # One skipped line takes no more space than the mark for it.
            yield from _source_line(source, number - 1, [], gutter)
        elif previous is not None and number > previous + 2:
            yield Text("...", _GUTTER_STYLE)
        yield from _source_line(source, number, [*group], gutter)
        previous = number


def _source_line(
    source: Source, number: int, pointers: Sequence[Pointer], gutter: Gutter
) -> Iterator[Text]:
    line = source.lines[number - 1]
    ranges = [_range(pointer.label.span, line) for pointer in pointers]
    text, cells = _shortened(line, tuple(sorted(ranges)), gutter.room)
    yield gutter.row(Text(text), number)
    if pointers:
        marks = [
            # An empty span is shown as one cell.
            Mark(cells[start], max(cells[end], cells[start] + 1), pointer)
            for pointer, (start, end) in zip(pointers, ranges, strict=True)
        ]
        yield from map(gutter.row, _rows_under(marks))


def _range(span: Span, line: str) -> Range:
    """Clip a span to a line."""
    if span.line > len(span.source.lines):
        return len(line), len(line)
    start = min(max(span.column - 1, 0), len(line))
    last = len(line.rstrip()) if span.end_line > span.line else span.end_column - 1
    return start, min(max(last, start), len(line))


def _shortened(
    line: str, ranges: Sequence[Range], width: int
) -> tuple[str, dict[int, int]]:
    """Fit a line into a width: keep what is around the ranges, cut the rest.

    Also returns the cell in which each offset of the ranges is drawn.
    """
    shown, cells = _measured(line)
    text, start = "", 0
    kept: list[tuple[int, str]] = []
    for gap_start, gap_end in [*_cuts(cells, ranges, width), (len(line), None)]:
        kept.append((start, text))
        text += "".join(shown[start:gap_start])
        if gap_end is not None:
            text += _ELLIPSIS
            start = gap_end
    drawn = {}
    for offset in set(chain(*ranges)):
        start, before = next(each for each in reversed(kept) if each[0] <= offset)
        # Measured as a whole: a joined emoji is narrower than its characters.
        drawn[offset] = cell_len(before + "".join(shown[start:offset]))
    return text, drawn


@lru_cache(maxsize=4)
def _measured(line: str) -> tuple[list[str], list[int]]:
    """Make each character visible, and add up their cells.

    Cached, because a file can be one long line with thousands of findings.
    """
    shown = [visible_character(character) for character in line]
    return shown, [0, *accumulate(map(cell_len, shown))]


def _cuts(cells: Sequence[int], ranges: Sequence[Range], width: int) -> list[Range]:
    """Choose what to leave out: as little as possible."""
    if cells[-1] <= width:
        return []
    ranges = ranges or [(0, 0)]
    radius = _radius(cells, ranges, width)
    if radius == 0:
        # A range that is too wide is shown only at its start and its end.
        ranges = [(offset, offset) for offset in sorted(chain(*ranges))]
        radius = max(_radius(cells, ranges, width), 1)
    return _gaps(len(cells) - 1, ranges, radius)


def _radius(cells: Sequence[int], ranges: Sequence[Range], width: int) -> int:
    """Find how many characters around the ranges fit; 0 if the ranges do not."""
    length = len(cells) - 1

    def drawn(radius: int) -> int:
        gaps = _gaps(length, ranges, radius)
        return cells[-1] - sum(cells[end] - cells[start] - 1 for start, end in gaps)

    return bisect_right(range(1, length + 1), width, key=drawn)


def _gaps(length: int, ranges: Sequence[Range], radius: int) -> list[Range]:
    """Return what is farther than the radius from all ranges."""
    starts = [*(start - radius for start, _ in ranges), length]
    ends = accumulate([0, *(end + radius for _, end in ranges)], max)
    # A gap of one character is as wide as the mark for it.
    return [
        (end, start) for end, start in zip(ends, starts, strict=True) if start - end > 1
    ]


class Mark(NamedTuple):
    """A label below a source line, from one cell up to another."""

    start: int
    end: int
    pointer: Pointer

    @property
    def text(self) -> str:
        """The text of the label."""
        return self.pointer.label.text


def _rows_under(marks: Sequence[Mark]) -> list[Text]:
    """Draw the underlines in one row, and the texts of the labels.

    The text of the rightmost label follows it; the others hang below, from right to
    left:

        - -- ^^^ right
        | |
        | middle
        left
    """
    last = max(marks, key=lambda mark: (mark.start, mark.end, mark.pointer.primary))
    inline = last if all(mark.end <= last.end for mark in marks) else None
    row = _underlines(marks)
    if inline and inline.text:
        row.append(" " + visible(inline.text), inline.pointer.style)
    hanging = [mark for mark in marks if mark.text and mark is not inline]
    hanging.sort(key=lambda mark: mark.start, reverse=True)
    rows = [row, _stems(hanging)] if hanging else [row]
    for index, mark in enumerate(hanging):
        row = _stems([m for m in hanging[index + 1 :] if m.start < mark.start])
        row.append(" " * (mark.start - cell_len(row.plain)))
        row.append(visible(mark.text), mark.pointer.style)
        rows.append(row)
    return rows


def _underlines(marks: Sequence[Mark]) -> Text:
    row = [(" ", "")] * max(mark.end for mark in marks)
    for mark in sorted(marks, key=lambda mark: mark.pointer.primary):
        character = "^" if mark.pointer.primary else "-"
        row[mark.start : mark.end] = [(character, mark.pointer.style)] * (
            mark.end - mark.start
        )
    return _joined(row)


def _stems(marks: Sequence[Mark]) -> Text:
    row = [(" ", "")] * max((mark.start + 1 for mark in marks), default=0)
    for mark in marks:
        row[mark.start] = ("|", mark.pointer.style)
    return _joined(row)


def _joined(cells: Sequence[tuple[str, str]]) -> Text:
    text = Text()
    for style, run in groupby(cells, key=lambda cell: cell[1]):
        text.append("".join(character for character, _ in run), style)
    return text
