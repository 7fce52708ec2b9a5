"""What reading a text gives: the plain value, and where each part of it stands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from deit_spec.diagnostics import Source, Span
from deit_spec.yaml_source.positions import Positions

Path: TypeAlias = tuple[str | int, ...]
"""The way from the root to a part: keys of mappings and indices of sequences."""

IsKey: TypeAlias = Callable[[str], bool]
"""Tells whether a word is a key that the reader of a document knows."""

Stretch: TypeAlias = tuple[int, int]
"""The offsets between which something stands."""

# Limits far above any real document, and far below what takes long to read.
FILE_BYTES: Final = 64 * 1024
"""Bytes of one file; the published specs have a few hundred."""

NESTING_DEPTH: Final = 16
"""Mappings and sequences inside one another; a spec needs two, a recipe three."""

ALIASES: Final = 0
"""Uses of an anchor; nothing in one is worth saying by reference."""

FINDINGS: Final = 200
"""Findings that are told of one document; nobody reads as many."""

NUMBER_CHARACTERS: Final = 100
"""Characters of one number; Python itself refuses to read thousands of digits."""


class Entry:
    """Where a key and its value stand; what has no key has its value's span twice.

    Spans are made when they are asked for: a clean document never is.
    """

    __slots__ = ("_key", "_positions", "_value")

    def __init__(self, positions: Positions, key: Stretch, value: Stretch) -> None:
        self._positions = positions
        self._key = key
        self._value = value

    @property
    def source(self) -> Source:
        """The source that both are in."""
        return self._positions.source

    @property
    def start(self) -> int:
        """The offset of the value, in the text that was parsed."""
        return self._value[0]

    @property
    def end(self) -> int:
        """The offset after the value, in the text that was parsed."""
        return self._value[1]

    @property
    def is_on_its_line(self) -> bool:
        """Whether there is a value, and it begins in the line of the key."""
        start, end = self._value
        return start != end and self.key.line == self.value.line

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
    """A plain value with the place of everything in it, the root at `()`.

    `doubts` are the paths of what could not be read for sure: a value that is
    missing from `value` or written twice, or a mapping that may have more keys.
    `is_whole` is false where the text breaks off: what follows was not read.

    `recovered` is true where any part of the text could not be read as it is
    written: there is a syntax error, or a key or a value was refused or is written
    twice. Findings about single fields are then reported as usual, but rules between
    fields do not run, for the missing part may be what they need.
    """

    value: object
    spans: Mapping[Path, Entry]
    source: Source
    doubts: frozenset[Path] = frozenset()
    is_whole: bool = True
    recovered: bool = False

    def at(self, path: Path) -> object:
        """What it says at a path; None where it says nothing there."""
        value: object = self.value
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def nearest(self, path: Path) -> Entry:
        """Find the entry of a path, or of its nearest ancestor that is there."""
        return self.spans[self._nearest(path)]

    def doubtful(self, path: Path) -> bool:
        """Tell whether the text may say something else at a path than was read."""
        return bool(self.doubts) and self._nearest(path) in self.doubts

    def _nearest(self, path: Path) -> Path:
        while path not in self.spans:
            path = path[:-1]
        return path


def knows_none(word: str) -> bool:  # noqa: ARG001  -- an IsKey
    """No word is a key: nothing is taken for a slip of the pen but a tab."""
    return False


def is_too_large(text: str) -> bool:
    """Whether a text has more bytes than a file may have."""
    return len(text.encode("utf-8", "surrogatepass")) > FILE_BYTES
