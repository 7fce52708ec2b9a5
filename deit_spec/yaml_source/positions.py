"""From character offsets, which parsers count, to lines and columns."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import Final, NamedTuple

from deit_spec.diagnostics import Source, Span

# Breaks of YAML 1.1, which libyaml counts and YAML 1.2 does not have.
_NO_BREAKS: Final = dict.fromkeys((0x85, 0x2028, 0x2029), "\ufffd")


class Patch(NamedTuple):
    """Characters of a text, by offset, and what is read in their place."""

    start: int
    end: int
    text: str


class Positions:
    """The spans of one source, asked for by offset.

    The lines are those of `Source.lines`, so a renderer finds what is meant. What
    is parsed may differ from the source by a few patches, in order: offsets are of
    the text that is parsed, spans are of the source.
    """

    def __init__(self, source: Source, patches: Sequence[Patch] = ()) -> None:
        self.source = source
        self._patches = patches
        self._moved = _moved(patches)
        self._starts = [moved.start for moved in self._moved]

    @cached_property
    def parsed(self) -> str:
        """The text that the parser is given."""
        return self.meant.translate(_NO_BREAKS)

    @cached_property
    def meant(self) -> str:
        """The text as it is patched, character by character where the parsed one is."""
        return _patched(self.source.text, self._patches)

    def span(self, start: int, end: int) -> Span:
        """Give the span from one offset up to another."""
        return Span(self.source, *self._place(start), *self._place(max(start, end)))

    def text(self, start: int, end: int | None) -> str:
        """Give the text that is parsed between two offsets, or up to the end."""
        return self.parsed[start:end]

    def original(self, offset: int) -> int:
        """Give the offset in the source of an offset in what is parsed."""
        before = bisect_right(self._starts, offset) - 1
        if before < 0:
            return offset
        moved, patch = self._moved[before], self._patches[before]
        if offset < moved.end:
            return min(patch.start + offset - moved.start, patch.end)
        return offset - moved.end + patch.end

    def _place(self, offset: int) -> tuple[int, int]:
        offset = min(max(self.original(offset), 0), len(self.source.text))
        starts = self.source.starts
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1


def _patched(text: str, patches: Sequence[Patch]) -> str:
    pieces, end = list[str](), 0
    for patch in patches:
        pieces += [text[end : patch.start], patch.text]
        end = patch.end
    return "".join([*pieces, text[end:]])


def _moved(patches: Sequence[Patch]) -> list[Patch]:
    """The patches where they stand in what is parsed."""
    moved, grown = list[Patch](), 0
    for start, end, text in patches:
        moved.append(Patch(start + grown, start + grown + len(text), text))
        grown += len(text) - (end - start)
    return moved
