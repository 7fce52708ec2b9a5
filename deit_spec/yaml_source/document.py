"""A document: the plain value of a text, and the span of every key and value."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias

from deit_spec.diagnostics import Source, Span

Path: TypeAlias = tuple[str | int, ...]
"""The way from the root to a part: keys of mappings and indices of sequences."""

IsKey: TypeAlias = Callable[[str], bool]
"""Returns whether a word is a key that the schema of the document has."""

Range: TypeAlias = tuple[int, int]
"""The offsets of a start and an end; the end is exclusive."""

# Limits far above any real document, and far below what takes long to read.
FILE_BYTES: Final = 64 * 1024
"""Bytes of one file; the published specs have a few hundred."""

NESTING_DEPTH: Final = 16
"""Levels of mappings and sequences; a spec needs two, a recipe three."""

FINDINGS: Final = 200
"""Findings that are reported for one document."""

NUMBER_CHARACTERS: Final = 100
"""Characters of one number; Python refuses to read thousands of digits."""

# Line breaks of YAML 1.1, which libyaml counts and YAML 1.2 does not have.
_NOT_BREAKS: Final = dict.fromkeys((0x85, 0x2028, 0x2029), "\ufffd")


class Patch(NamedTuple):
    """A replacement of the characters between two offsets of a text."""

    start: int
    end: int
    text: str


class Positions:
    """Spans of a source by offset in the parsed text, which may be patched."""

    def __init__(self, source: Source, patches: Sequence[Patch] = ()) -> None:
        self.source = source
        self.patches = patches
        self._moved = _moved(patches)
        self._starts = [moved.start for moved in self._moved]

    @cached_property
    def parsed(self) -> str:
        """The text for the parser."""
        return _patched(self.source.text, self.patches).translate(_NOT_BREAKS)

    def span(self, start: int, end: int) -> Span:
        """Return the span from one offset up to another."""
        return Span(self.source, *self._place(start), *self._place(max(start, end)))

    def text(self, start: int, end: int | None) -> str:
        """Return the parsed text between two offsets, or up to its end."""
        return self.parsed[start:end]

    def patched(self, patches: Sequence[Patch]) -> "Positions":
        """Add patches of the source; of two of the same range, the last is kept."""
        kept = list[Patch]()
        every = [*self.patches, *patches]
        for one in sorted(every, key=lambda one: (one.start, -one.end)):
            if not kept or kept[-1].end <= one.start:
                kept.append(one)
            elif kept[-1][:2] == one[:2]:
                kept[-1] = one
        return Positions(self.source, kept)

    def original(self, offset: int) -> int:
        """Return the offset in the source of an offset in the parsed text."""
        before = bisect_right(self._starts, offset) - 1
        if before < 0:
            return offset
        moved, patch = self._moved[before], self.patches[before]
        if offset < moved.end:
            return min(patch.start + offset - moved.start, patch.end)
        return offset - moved.end + patch.end

    def _place(self, offset: int) -> tuple[int, int]:
        offset = min(max(self.original(offset), 0), len(self.source.text))
        starts = self.source.starts
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1


class Entry:
    """The spans of a key and its value, made on request; items have no key."""

    __slots__ = ("_key", "_positions", "_value")

    def __init__(self, positions: Positions, key: Range, value: Range) -> None:
        self._positions = positions
        self._key = key
        self._value = value

    @property
    def source(self) -> Source:
        """The source that both are in."""
        return self._positions.source

    @property
    def key(self) -> Span:
        """The span of the key."""
        return self._positions.span(*self._key)

    @property
    def value(self) -> Span:
        """The span of the value."""
        return self._positions.span(*self._value)


@dataclass(frozen=True, slots=True)
class Document:
    """A plain value with the span of everything in it, the root at `()`.

    `recovered`: a part of the text could not be read as written, so that rules between
    fields do not run, for what they need may be missing.
    """

    value: object
    spans: Mapping[Path, Entry]
    source: Source
    recovered: bool = False

    def at(self, path: Path) -> object:
        """Return the value at a path, None where there is none."""
        value: object = self.value
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def nearest(self, path: Path) -> Entry:
        """Return the entry of a path, or of its nearest ancestor in the text."""
        while path not in self.spans:
            path = path[:-1]
        return self.spans[path]

    def remove_empty(self, is_key: IsKey) -> None:
        """Remove known keys without a value: it may be on a line that is left out."""
        for path, entry in self.spans.items():
            holder, is_empty = self.at(path[:-1]), entry.value.start == entry.value.end
            if is_empty and path and isinstance(holder, dict) and is_key(str(path[-1])):
                holder.pop(path[-1], None)


def knows_none(word: str) -> bool:  # noqa: ARG001  -- an IsKey
    """Know no key, for documents without a schema."""
    return False


def is_too_large(text: str) -> bool:
    """Return whether a text has more bytes than a file may have."""
    return len(text.encode("utf-8", "surrogatepass")) > FILE_BYTES


def _patched(text: str, patches: Sequence[Patch]) -> str:
    pieces, end = list[str](), 0
    for patch in patches:
        pieces += [text[end : patch.start], patch.text]
        end = patch.end
    return "".join([*pieces, text[end:]])


def _moved(patches: Sequence[Patch]) -> list[Patch]:
    """Return the patches at their offsets in the parsed text."""
    moved, grown = list[Patch](), 0
    for start, end, text in patches:
        moved.append(Patch(start + grown, start + grown + len(text), text))
        grown += len(text) - (end - start)
    return moved
