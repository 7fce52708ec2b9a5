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

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Final, NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from deit_spec.diagnostics.diagnostic import Diagnostic, Label, Severity, Source, Span
from deit_spec.diagnostics.printable import counted, visible

_STYLES: Final = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.NOTE: "bold cyan",
}
_BLUE: Final = "bold blue"
_NARROWEST: Final = 20
_ELLIPSIS: Final = "…"

Range: TypeAlias = tuple[int, int]
"""The offsets of a part of a line; the end is exclusive."""


def render(diagnostics: Sequence[Diagnostic], *, width: int = 100) -> Text:
    """Render diagnostics with source lines cut to `width`; print with `soft_wrap`."""
    blocks = [Text("\n").join(_diagnostic(each, width)) for each in diagnostics]
    text = Text("\n\n").join(blocks)
    text.no_wrap = True
    text.overflow = "ignore"
    return text


def summary(diagnostics: Sequence[Diagnostic], fixes: int | None = None) -> str:
    """Count diagnostics and those that `--fix` can fix, by default all with a fix."""
    counts = Counter(each.severity for each in diagnostics)
    kinds = [counted(counts[kind], kind.value) for kind in Severity if counts[kind]]
    names = {each.primary.span.source.name for each in diagnostics}
    if not kinds:
        return "no findings"
    listed = " and ".join(filter(None, [", ".join(kinds[:-1]), kinds[-1]]))
    where = visible(names.pop()) if len(names) == 1 else counted(len(names), "file")
    if fixes is None:
        fixes = sum(each.fix is not None for each in diagnostics)
    fix = f"; `deit-spec validate --fix` can fix {fixes}" if fixes else ""
    return f"{listed} in {where}{fix}"


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
        pointers.append(Pointer(label, _BLUE, primary=False))
    lines = [pointer.line for pointers in sections.values() for pointer in pointers]
    gutter = Gutter(max(lines), width)
    for source, pointers in sections.items():
        if source is primary.span.source:
            yield gutter.arrow("-->", visible(str(primary.span)))
        else:
            spans = [pointer.label.span for pointer in pointers]
            first = min(spans, key=attrgetter("line", "column"))
            yield gutter.row(Text())
            yield gutter.arrow(":::", visible(str(first)))
        # An empty or unreadable file has no line to show.
        if source.text:
            yield gutter.row(Text())
            yield from _snippet(source, pointers, gutter)
    yield from _annotations(diagnostic, gutter)


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
        row = Text.assemble((f"{shown:<{self.width}} |", _BLUE), " ", content)
        row.rstrip()
        return row

    def arrow(self, arrow: str, text: str) -> Text:
        """Draw a row outside the source: a location or a note."""
        return Text.assemble(" " * self.width, (arrow, _BLUE), " ", text)


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
    line = attrgetter("line")
    for number, group in groupby(sorted(pointers, key=line), line):
        if previous is not None and number == previous + 2:
            # One skipped line takes no more space than the mark for it.
            yield from _source_line(source, number - 1, [], gutter)
        elif previous is not None and number > previous + 2:
            yield Text("...", _BLUE)
        yield from _source_line(source, number, [*group], gutter)
        previous = number


def _source_line(
    source: Source, number: int, pointers: Sequence[Pointer], gutter: Gutter
) -> Iterator[Text]:
    """Draw a line, and a row for each label, from left to right."""
    line = source.lines[number - 1]
    ranges = [_range(pointer.label.span, line) for pointer in pointers]
    text, cells = _window(line, ranges, gutter.room)
    yield gutter.row(Text(text), number)
    placed = zip(cells, pointers, strict=True)
    for (start, end), pointer in sorted(placed, key=itemgetter(0)):
        mark = "^" if pointer.primary else "-"
        # An empty span is shown as one cell.
        marks = mark * max(end - start, 1)
        described = f"{marks} {visible(pointer.label.text)}"
        yield gutter.row(Text.assemble(" " * start, (described, pointer.style)))


def _range(span: Span, line: str) -> Range:
    """Clip a span to a line."""
    if span.line > len(span.source.lines):
        return len(line), len(line)
    start = min(max(span.column - 1, 0), len(line))
    last = len(line.rstrip()) if span.end_line > span.line else span.end_column - 1
    return start, min(max(last, start), len(line))


def _window(line: str, ranges: list[Range], width: int) -> tuple[str, list[Range]]:
    """Cut a long line around its first range; also return the cells of the ranges."""
    start, before, after = 0, "", ""
    if len(line) > width or cell_len(visible(line)) > width:
        first, last = ranges[0] if ranges else (0, 0)
        length = last - first
        context = max(8, width - length) if length < width else width
        start = max(0, first - context // 2)
        before = _ELLIPSIS if start else ""
    text = before + visible(line[start : start + width])
    if cell_len(text) > width or start + width < len(line):
        text = set_cell_size(text, width - 1)
        after = _ELLIPSIS

    def cell(offset: int) -> int:
        """Return where an offset is drawn, or the nearest end of the text."""
        if offset < start:
            return 0
        drawn = before + visible(line[start : min(offset, start + width)])
        return min(cell_len(drawn), cell_len(text))

    return text + after, [(cell(first), cell(last)) for first, last in ranges]
