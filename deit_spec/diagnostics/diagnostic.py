"""A diagnostic as data: what is wrong, where, and how to fix it; applying fixes."""

import re
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from operator import attrgetter
from typing import Final, Self, TypeAlias

LINE_BREAK: Final = re.compile("\r\n|[\n\r]")
"""The line breaks of YAML 1.2 and of editors; `str.splitlines` knows more."""
Range: TypeAlias = tuple[int, int, str]
"""A start and an end offset, and the replacement text."""


class Severity(Enum):
    """How serious a diagnostic is. Only an error rejects the input."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, eq=False)
class Source:
    """A text, and the name it has in messages.

    Attributes:
        name: The path of the file, or the option, such as `--set`.
        text: The whole text.
    """

    name: str
    text: str

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines without line breaks; an empty text has one empty line."""
        return tuple(LINE_BREAK.split(self.text))

    def offset(self, line: int, column: int) -> int:
        """Convert a line and a column, both 1-based, to an offset in the text."""
        return self.starts[line - 1] + column - 1

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The offset of the first character of each line."""
        breaks = LINE_BREAK.finditer(self.text)
        return (0, *(each.end() for each in breaks))


@dataclass(frozen=True, slots=True)
class Span:
    """A range of a source. Lines and columns are 1-based; the end is exclusive.

    Attributes:
        source: The text that it is a range of.
        line: The first line.
        column: The first column, in characters.
        end_line: The last line.
        end_column: The column after the last character.
    """

    source: Source
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"

    @property
    def start(self) -> int:
        """The offset of its first character."""
        return self.source.offset(self.line, self.column)

    @property
    def end(self) -> int:
        """The offset after its last character."""
        return self.source.offset(self.end_line, self.end_column)

    @property
    def text(self) -> str:
        """The text of the range."""
        return self.source.text[self.start : self.end]

    @classmethod
    def of_file(cls, name: object) -> Self:
        """Make a span for a diagnostic about a whole file or folder."""
        return cls(Source(str(name), ""), 1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Label:
    """A span with a short text shown below it, which may be empty."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """A replacement for the text of a span, which may be empty."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits of one source that together resolve a diagnostic."""

    title: str
    edits: tuple[Edit, ...]

    @property
    def source(self) -> Source:
        """The source that the edits change."""
        return self.edits[0].span.source


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. The message states the fact; only `helps` propose a change.

    Attributes:
        code: The code of its kind, such as `DS203`.
        severity: How serious it is.
        message: What is wrong, in one line.
        primary: The location of the problem.
        secondary: The locations that explain it.
        notes: What else is known about it.
        helps: What can be done about it.
        fix: The change that resolves it, where the intended text is certain.
    """

    code: str
    severity: Severity
    message: str
    primary: Label
    secondary: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    fix: Fix | None = None

    @property
    def remarks(self) -> list[str]:
        """The notes and helps, each with its kind."""
        notes = [f"note: {note}" for note in self.notes]
        return notes + [f"help: {help_}" for help_ in self.helps]


def in_source_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sort by location, then by code, so that the output is deterministic."""
    span = "primary.span"
    place = (f"{span}.source.name", f"{span}.line", f"{span}.column")
    return sorted(diagnostics, key=attrgetter(*place, "code", "message"))


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Return whether any diagnostic is an error."""
    return any(d.severity is Severity.ERROR for d in diagnostics)


def apply_fixes(
    fixes: Iterable[Fix], source: Source, room: int | None = None
) -> tuple[str, list[Fix]]:
    """Apply fixes, and return the new text and the fixes that were applied.

    A fix is skipped if it overlaps or touches an earlier one, if it changes another
    source, or if the text would have more than `room` bytes.
    """
    text, taken, applied = source.text, list[Range](), list[Fix]()
    left = None if room is None else room - len(text.encode())
    for fix in fixes:
        if any(edit.span.source is not source for edit in fix.edits):
            continue
        ranges = [(edit.span.start, edit.span.end, edit.text) for edit in fix.edits]
        if any(_is_touched(new, taken) for new in ranges):
            continue
        if left is not None:
            added = sum(len(edit.text.encode()) for edit in fix.edits)
            growth = added - sum(len(edit.span.text.encode()) for edit in fix.edits)
            if growth > left:
                continue
            left -= growth
        for new in ranges:
            insort(taken, new)
        applied.append(fix)
    pieces, last = [], 0
    for start, end, replacement in taken:
        pieces += [text[last:start], replacement]
        last = end
    return "".join([*pieces, text[last:]]), applied


def _is_touched(new: Range, taken: Sequence[Range]) -> bool:
    """Return whether a range overlaps or touches one of the others (sorted)."""
    index = bisect_left(taken, new)
    before = index > 0 and new[0] <= taken[index - 1][1]
    return before or (index < len(taken) and taken[index][0] <= new[1])
