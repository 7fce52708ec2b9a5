"""A diagnostic as data: what is wrong, where, and what would fix it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final, Self

LINE_BREAK: Final = re.compile("\r\n|[\n\r]")
"""The line breaks of YAML 1.2, and of editors; str.splitlines knows more."""


class Severity(Enum):
    """How much a finding weighs: only an error refuses the spec."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, eq=False)
class Source:
    """A text and the name that messages call it by."""

    name: str
    text: str

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines without their breaks; an empty text has one empty line."""
        return tuple(LINE_BREAK.split(self.text))

    def offset(self, line: int, column: int) -> int:
        """The offset in the text of a place within it; both count from 1."""
        return self.starts[line - 1] + column - 1

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The offsets at which the lines start; a clean text is never asked."""
        breaks = LINE_BREAK.finditer(self.text)
        return (0, *(each.end() for each in breaks))


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a source. Lines and columns count from 1; the end is exclusive."""

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
        """What stands there."""
        return self.source.text[self.start : self.end]

    @classmethod
    def of_file(cls, name: object) -> Self:
        """A place for what is about a file or a folder, not about a text in it."""
        return cls(Source(str(name), ""), 1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Label:
    """A span with a few words under it; the words may be empty."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """A text to put in the place of a span, which may be empty."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits of one source that together do away with a finding, for certain."""

    title: str
    edits: tuple[Edit, ...]

    @property
    def source(self) -> Source:
        """The source that all its edits are of."""
        return self.edits[0].span.source


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. The message states the fact; only a help proposes a change.

    `primary` is where the finding is; `secondary` are the places that explain it.
    A `fix` is there where it is certain what was meant.
    """

    code: str
    severity: Severity
    message: str
    primary: Label
    secondary: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    fix: Fix | None = None


def in_source_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sort by place, then by code, so that output is the same on every run."""

    def place(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
        span = diagnostic.primary.span
        return (
            span.source.name,
            span.line,
            span.column,
            diagnostic.code,
            diagnostic.message,
        )

    return sorted(diagnostics, key=place)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether any finding refuses the spec."""
    return any(d.severity is Severity.ERROR for d in diagnostics)
