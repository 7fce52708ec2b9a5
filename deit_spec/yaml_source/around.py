"""Lines that are no YAML, left out so that they hide nothing that is behind them."""

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from deit_spec.diagnostics import Diagnostic, Span
from deit_spec.yaml_source.document import Document, Entry, Path
from deit_spec.yaml_source.layout import indent_of, is_content
from deit_spec.yaml_source.positions import Patch
from deit_spec.yaml_source.sentences import LEFT_OVER, NO_KEY_HERE

# Lines below may belong to what such a line opens.
_OPENS: Final = re.compile(r"[:{\[,|>-][ \t]*(?:#.*)?\Z")
_INDENT: Final = re.compile(r"\Aindent (?:the line|lines \d+ to \d+) as")
# What is said of lines that are not where they belong.
_MISPLACED: Final = frozenset({LEFT_OVER, NO_KEY_HERE})
# A word may be a piece of one in the line above or below.
_PIECE: Final = re.compile(r"\s*\w+\s*")


def line_alone(culprit: Diagnostic, patches: Sequence[Patch]) -> Patch | None:
    """Empty the line of a problem; None where others are bound up with it."""
    span = culprit.primary.span
    lines, start = span.source.lines, span.source.offset(span.line, 1)
    line = lines[span.line - 1]
    end = start + len(line)
    is_patched = any(patch.start <= end and start <= patch.end for patch in patches)
    if span.line != span.end_line or is_patched or not line.strip():
        return None
    number, indent = _above(lines, span)
    above = lines[number - 1] if number else ""
    below = next((x for x in lines[span.line :] if is_content(x)), "")
    is_bound = _OPENS.search(above) or above.lstrip().startswith("-")
    is_bound = is_bound or below.lstrip().startswith(":")
    if is_bound or _OPENS.search(line) or indent_of(below) > indent:
        return None
    return Patch(start, end, "")


def goes_on(first: Diagnostic, last: Diagnostic, culprit: Diagnostic) -> bool:
    """Whether a line is one of a block that a line before it has made wrong.

    Or that stands too far in. The block is all that was left out from the first line
    on, which has been told, up to the last.
    """
    one, other = first.primary.span, culprit.primary.span
    lines = one.source.lines
    (above, indent), (before, own) = _above(lines, one), _above(lines, other)
    is_next = before == last.primary.span.line
    is_next = is_next and {first.message, culprit.message} <= _MISPLACED
    outer = indent_of(lines[above - 1]) if above else 0
    return is_next and indent == own != outer


def told_of_block(first: Diagnostic, last: Diagnostic) -> Diagnostic:
    """Say of all lines of a block what is told of its first."""
    start, end = first.primary.span.line, last.primary.span.line
    lines = f"indent lines {start} to {end} as"
    helps = (
        _INDENT.sub(lines, each).replace("one above it", "one above them")
        for each in first.helps
    )
    return replace(first, helps=tuple(helps))


def doubting_lines(
    document: Document, before: Document | None, out: Iterable[Diagnostic]
) -> Document:
    """Doubt what the lines that were left out may say: any key, and any mapping.

    Or they go on with the value above them, or have been torn off the key below.
    """
    lines = document.source.lines
    places = [place for each in out for place in _bound(lines, each.primary.span)]
    doubts = {
        path
        for path, entry in document.spans.items()
        if isinstance(document.at(path), dict)
        or any(_reaches(entry, *place) for place in places)
    }
    known = before.doubts if before else frozenset[Path]()
    return replace(document, doubts=document.doubts | doubts | known, is_whole=False)


def certain_before(
    culprit: Diagnostic, problems: Iterable[Diagnostic]
) -> list[Diagnostic]:
    """Leave out the fixes behind a line of which nobody knows what it says."""
    line = culprit.primary.span.line
    return [
        each if each.primary.span.line < line else replace(each, fix=None)
        for each in problems
    ]


def _bound(lines: Sequence[str], span: Span) -> list[tuple[int, int]]:
    """The lines that a line may belong to, and how far it would have to stand."""
    above = _above(lines, span)
    if not _PIECE.fullmatch(lines[span.line - 1]):
        return [above]
    numbers = range(span.line + 1, len(lines) + 1)
    below = next((n for n in numbers if is_content(lines[n - 1])), 0)
    return [(number, sys.maxsize) for number in (above[0], below)]


def _above(lines: Sequence[str], span: Span) -> tuple[int, int]:
    """The number of the line above a span's, and how far the latter is indented."""
    numbers = range(span.line - 1, 0, -1)
    number = next((n for n in numbers if is_content(lines[n - 1])), 0)
    return number, indent_of(lines[span.line - 1])


def _reaches(entry: Entry, line: int, indent: int) -> bool:
    """Whether a value on a line might go on in one of this indentation."""
    is_there = entry.key.line <= line <= entry.value.end_line
    return is_there and indent >= entry.key.column
