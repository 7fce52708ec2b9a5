"""Mends that are certain, as edits of the text that a document was read from.

Whatever a person might have meant otherwise has helps, and no fix. A fix changes
what it mends and nothing beside it: comments and layout stay.
"""

import difflib
import re
from collections import Counter
from functools import cached_property
from typing import Final

from deit_spec.diagnostics import Edit, Fix, Span
from deit_spec.source import Document
from deit_spec.source.document import Entry
from deit_spec.source.lines import Line, line_of, line_with
from deit_spec.spec.fields import meant_by
from deit_spec.spec.helps import SWITCHES
from deit_spec.spec.places import plain
from deit_spec.spec.vocabulary import SPEC, Vocabulary

Path = tuple[str, ...]

_CLOSE: Final = 0.8
_NOT_QUITE: Final = frozenset(
    {
        "drop_rate",
        "hidden_dropout_prob",
        "dim",
        "proj_drop_rate",
        "width",
        "layer",
        "eps",
        "classes",
    }
)
"""Words of other tools that mean nearly, or only mostly, what our field does."""
_ENDS: Final = frozenset({"", " ", "\t", "\r", "\n", ",", "]", "}"})
"""What may follow a value without quotes, besides a colon."""
_NULLS: Final = frozenset({"none", "null", "nil", "~"})
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,15}")
_NUMBER: Final = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")


class Fixes:
    """The mends of one document; what it extends is not its to edit."""

    def __init__(self, document: Document, words: Vocabulary = SPEC) -> None:
        self.document = document
        self.words = words

    def rename(self, path: Path, word: str) -> Fix | None:
        """Write the key that was meant, in the same mapping."""
        if not self._is_sure(path, (*path[:-1], word)):
            return None
        edit = self._as_written(self._own[path].key, word)
        return Fix(f"rename `{path[-1]}` to `{word}`", (edit,))

    def move(self, path: Path, word: str) -> Fix | None:
        """Move a line under `variant`, or out of it, to the key that was meant."""
        inside = len(path) > 1
        if not self._is_sure(path, (word,) if inside else ("variant", word)):
            return None
        line = line_of(self._own[path], self.document.source)
        if line is None:
            return None
        edits = self._to_the_top(line, word) if inside else self._below(line, word)
        place = "to the top level" if inside else "under `variant`"
        return Fix(f"move `{word}` {place}", edits) if edits else None

    def retype(self, path: Path, kind: str, value: object) -> Fix | None:
        """Write the number, boolean or null that a value of another type says."""
        text = _retyped(path, kind, value, self.words)
        return self._write(path, text) if text is not None else None

    def choose(self, path: Path, word: str, value: str) -> Fix | None:
        """Write the allowed value that was misspelt."""
        if path not in self._own or not _is_close(value, word, self.words):
            return None
        edit = self._as_written(self._own[path].value, word)
        return Fix(f"write `{path[-1]}: {word}`", (edit,))

    def _write(self, path: Path, text: str) -> Fix | None:
        entry = self._own.get(path)
        if entry is None or entry.value.line != entry.value.end_line:
            return None
        # Behind a quote the parser takes `#` for a comment; behind a word it is not.
        if self._text(entry.value)[1] not in _ENDS:
            return None
        return Fix(f"write `{path[-1]}: {text}`", (Edit(entry.value, text),))

    def _as_written(self, span: Span, word: str) -> Edit:
        """A word in the quotes of what it replaces: `{"depht":4}` needs them."""
        quote = self._text(span)[0][:1]
        return Edit(span, f"{quote}{word}{quote}" if quote in {"'", '"'} else word)

    def _text(self, span: Span) -> tuple[str, str]:
        """What stands in a span, and the character after it."""
        source = self.document.source
        start = source.offset(span.line, span.column)
        end = source.offset(span.end_line, span.end_column)
        return source.text[start:end], source.text[end : end + 1]

    def _is_sure(self, path: Path, target: Path) -> bool:
        """Whether a key can have meant but this field, and the field is free."""
        own = path in self._own and target not in self._own
        # Behind a mistake that hides the rest, the field may be written.
        own = own and self.document.is_whole
        own = own and _is_close(path[-1], target[-1], self.words)
        return own and self._meant[target] == 1

    def _below(self, line: Line, word: str) -> tuple[Edit, ...] | None:
        """Under `variant`: after its last key, or with a `variant:` of its own."""
        if ("variant",) not in self._own:
            # One line opens it; the next time, the others find it there.
            opened = f"variant:{line.line_break}{line.indent}  {word}"
            is_first = line.number == self._first_misplaced
            return (line.key_as(opened),) if is_first else None
        last = self._last_inside and line_of(self._last_inside, self.document.source)
        if not last:
            return None
        return (last.with_next(f"{word}{line.rest}"), line.removed())

    def _to_the_top(self, line: Line, word: str) -> tuple[Edit, ...] | None:
        """Before `variant`, unless that would be left without a key."""
        outer = line_with(self._own["variant",], self.document.source)
        if outer is None or self._inside == 1:
            return None
        added = f"{word}{line.rest}{line.line_break}{outer.indent}"
        return (outer.before_key(added), line.removed())

    @cached_property
    def _own(self) -> dict[Path, Entry]:
        """The entries of the document's own text, in its order."""
        return {
            tuple(map(str, path)): entry
            for path, entry in self.document.spans.items()
            if entry.source is self.document.source
        }

    @cached_property
    def _meant(self) -> Counter[Path]:
        """How many unknown keys may have meant each field."""
        unknown = (path for path in self._own if path and not self.words.is_known(path))
        return Counter(map(self.words.meant_by, unknown))

    @cached_property
    def _first_misplaced(self) -> int:
        """The line of the first key that belongs under `variant`."""
        found = (
            entry.key.line
            for path, entry in self._own.items()
            if len(path) == 1 and len(meant_by(path)) > 1
        )
        return min(found, default=0)

    @cached_property
    def _last_inside(self) -> Entry | None:
        inside = [entry for path, entry in self._own.items() if _is_inside(path)]
        return inside[-1] if inside else None

    @cached_property
    def _inside(self) -> int:
        return sum(map(_is_inside, self._own))


def _retyped(path: Path, kind: str, value: object, words: Vocabulary) -> str | None:
    if isinstance(value, float) and kind == "int_type" and value.is_integer():
        number = int(value)
        return str(number) if words.fits(path, number) else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    if kind == "bool_type":
        return SWITCHES.get(text.lower())
    if kind == "int_type" and _INTEGER.fullmatch(text) and words.fits(path, int(text)):
        return plain(int(text))
    if (
        kind == "float_type"
        and _NUMBER.fullmatch(text)
        and words.fits(path, float(text))
    ):
        return text
    is_null = text.lower() in _NULLS and words.default_of(path) is None
    return "null" if is_null else None


def _is_close(written: str, word: str, words: Vocabulary) -> bool:
    plain_word = written.lower().replace("-", "_").replace(" ", "_")
    if plain_word in _NOT_QUITE:
        return False
    if words.synonyms.get(plain_word) == word:
        return True
    return difflib.SequenceMatcher(None, plain_word, word).ratio() >= _CLOSE


def _is_inside(path: Path) -> bool:
    return path[:1] == ("variant",) and len(path) == len(("variant", "key"))
