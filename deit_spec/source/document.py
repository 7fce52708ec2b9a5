"""What reading a text gives: the plain value, and where each part of it stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from deit_spec.diagnostics import Source, Span

Path: TypeAlias = tuple[str | int, ...]
"""The way from the root to a part: keys of mappings and indices of sequences."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a key and its value stand; what has no key has its value's span twice."""

    key: Span
    value: Span


@dataclass(frozen=True, slots=True)
class Document:
    """A plain value with the place of everything in it, the root at `()`."""

    value: object
    spans: Mapping[Path, Entry]
    source: Source

    def nearest(self, path: Path) -> Entry:
        """Find the entry of a path, or of its nearest ancestor that is there."""
        while path not in self.spans:
            path = path[:-1]
        return self.spans[path]
