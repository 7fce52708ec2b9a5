"""Mends that are certain, as edits of the text that a document was read from.

Whatever a person might have meant otherwise has helps, and no fix. A fix changes
what it mends and nothing beside it: comments and layout stay.
"""

import re
from collections import Counter
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Final, TypeGuard

from deit_spec.diagnostics import Edit, Fix, Span
from deit_spec.spec.field_names import SPEC, Vocabulary, pair_in
from deit_spec.yaml_source import Document
from deit_spec.yaml_source.document import Entry
from deit_spec.yaml_source.line_edits import Line, line_of, line_with
from deit_spec.yaml_source.scalars import value_text

Path = tuple[str, ...]

_ENDS: Final = frozenset({"", " ", "\t", "\r", "\n", ",", "]", "}"})
"""What may follow a value without quotes, besides a colon."""
SWITCHES = {
    **dict.fromkeys(("true", "yes", "on"), "true"),
    **dict.fromkeys(("false", "no", "off"), "false"),
}
"""What a text says that stands where true or false does."""
OF_POINTS = re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+")
"""A number with points between thousands, where it is no decimal."""
DIGITS = 400
"""More than the numbers of any field have; of more, Python takes its time."""
_NULLS: Final = frozenset({"none", "null", "nil", "~"})
_TABBED: Final = re.compile(r"^ *\t", re.MULTILINE)
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,15}")
_NUMBER: Final = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")


class Fixes:
    """The mends of one document; what it extends is not its to edit."""

    def __init__(self, document: Document, words: Vocabulary = SPEC) -> None:
        self.document = document
        self.words = words

    def rename(self, path: Path, word: str) -> Fix | None:
        """Write the key that was meant, in the same mapping."""
        target = (*path[:-1], word)
        if not self._is_sure(path, target) or not self._is_shaped(path, target):
            return None
        edit = self._as_written(self._own[path].key, word)
        return Fix(f"rename `{path[-1]}` to `{word}`", (edit,))

    def split(self, path: Path) -> Fix | None:
        """Put the space into `{embed_dim:192}`, which is a key without a value."""
        entry, pair = self._own.get(path), pair_in(path[-1])
        if entry is None or pair is None or not self._is_lone(entry, path[-1]):
            return None
        target = (*path[:-1], pair[0])
        if (
            not self.words.is_known(target)
            or target in self._own
            or self._meant[target] != 1
        ):
            return None
        text = ": ".join(pair)
        return Fix(f"write `{text}`", (Edit(entry.key, text),))

    def move(self, path: Path, word: str) -> Fix | None:
        """Move a line under `variant`, or out of it, to the key that was meant."""
        inside = len(path) > 1
        if not self._is_sure(path, (word,) if inside else ("variant", word)):
            return None
        # Between other lines, one with a tab may be read in another way.
        if _TABBED.search(self.document.source.text):
            return None
        line = line_of(self._own[path], self.document.source)
        if line is None or self._is_in_braces(()) or self._is_in_braces(("variant",)):
            return None
        edits = self._to_the_top(line, word) if inside else self._below(line, word)
        place = "to the top level" if inside else "under `variant`"
        return Fix(f"move `{word}` {place}", edits) if edits else None

    def retype(self, path: Path, kind: str, value: object) -> Fix | None:
        """Write the number, boolean or null that a value of another type says."""
        written = self.written(path)
        # Where a point parts thousands, `1.000` is one of them.
        if OF_POINTS.fullmatch(written):
            return None
        if isinstance(value, float) and not _is_whole(written):
            return None
        text = _retyped(path, kind, value, self.words)
        return self._write(path, text) if text is not None else None

    def choose(self, path: Path, word: str, value: str) -> Fix | None:
        """Write the allowed value that was misspelt."""
        if path not in self._own or not self.words.is_misspelt(value, word):
            return None
        edit = self._as_written(self._own[path].value, word)
        return Fix(f"write `{path[-1]}: {word}`", (edit,))

    def written(self, path: Path) -> str:
        """What the document has in the place of a value; nothing if it has none."""
        entry = self._own.get(path)
        return self._text(entry.value)[0] if entry else ""

    def _write(self, path: Path, text: str) -> Fix | None:
        entry = self._own.get(path)
        if entry is None or entry.value.line != entry.value.end_line:
            return None
        written, behind = self._text(entry.value)
        # Without quotes a text goes on in the next line, if that is where it broke off.
        if written[:1] in {"'", '"'} and not self.document.is_whole:
            return None
        # Behind a quote the parser takes `#` for a comment; behind a word it is not.
        if behind not in _ENDS:
            return None
        return Fix(f"write `{path[-1]}: {text}`", (Edit(entry.value, text),))

    def _as_written(self, span: Span, word: str) -> Edit:
        """A word in the quotes of what it replaces: `{"depht":4}` needs them."""
        quote = self._text(span)[0][:1]
        return Edit(span, f"{quote}{word}{quote}" if quote in {"'", '"'} else word)

    def _text(self, span: Span) -> tuple[str, str]:
        """What stands in a span, and the character after it."""
        end = span.end
        return span.text, span.source.text[end : end + 1]

    def _is_lone(self, entry: Entry, key: str) -> bool:
        """Whether a key stands in braces, without quotes and without a value."""
        span = entry.key
        before = span.source.text[: span.start].rstrip()
        has_value = self._text(entry.value)[0] or entry.value.line != span.line
        in_braces = before.endswith(("{", ",")) and self.document.is_whole
        return in_braces and not has_value and self._text(span)[0] == key

    def _is_sure(self, path: Path, target: Path) -> bool:
        """Whether a key can have meant but this field, and the field is free."""
        own = path in self._own and target not in self._own
        # Behind a mistake that hides the rest, the field may be written.
        own = own and self.document.is_whole
        own = own and self.words.is_misspelt(path[-1], target[-1])
        return own and self._meant[target] == 1

    def _is_shaped(self, path: Path, target: Path) -> bool:
        """Whether a value is a list or a mapping where the field's is one."""
        value = self.document.at(path)
        if isinstance(value, dict) and self.words.is_mapping(target):
            return True
        of_list = isinstance(self.words.default_of(target), list | tuple)
        same = isinstance(value, list | dict) == of_list
        return same or self.words.fits(target, value)

    def _is_in_braces(self, path: Path) -> bool:
        """Whether a mapping is written in one of the ways that need commas."""
        entry = self.document.spans.get(path)
        return entry is not None and self._text(entry.value)[0][:1] in {"{", "&", "!"}

    def _below(self, line: Line, word: str) -> tuple[Edit, ...] | None:
        """Under `variant`: after its last key, or with a `variant:` of its own."""
        if ("variant",) not in self._own:
            if self._meant["variant",]:
                return None  # it is misspelt
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
        own = (
            (path, entry)
            for path, entry in self.document.spans.items()
            if entry.source is self.document.source
        )
        # Python writes no number of thousands of digits, and no field is one.
        return {path: entry for path, entry in own if _is_of_words(path)}

    def first_meaning(self, target: Path) -> Path:
        """The first unknown key that may have meant a field; itself where none did."""
        return self._firsts.get(target, target)

    @cached_property
    def _unknown(self) -> list[tuple[Path, Path]]:
        """The unknown keys, each with the field that it may have meant."""
        return [
            (path, self.words.meant_by(path))
            for path in self._own
            if path and not self.words.is_known(path)
        ]

    @cached_property
    def _meant(self) -> Counter[Path]:
        """How many unknown keys may have meant each field."""
        return Counter(meant for _, meant in self._unknown)

    @cached_property
    def _firsts(self) -> dict[Path, Path]:
        return {meant: path for path, meant in reversed(self._unknown)}

    @cached_property
    def _first_misplaced(self) -> int:
        """The line of the first key that belongs under `variant`."""
        found = (
            entry.key.line
            for path, entry in self._own.items()
            if len(path) == 1 and len(self.words.meant_by(path)) > 1
        )
        return min(found, default=0)

    @cached_property
    def _last_inside(self) -> Entry | None:
        inside = [entry for path, entry in self._own.items() if _is_inside(path)]
        return inside[-1] if inside else None

    @cached_property
    def _inside(self) -> int:
        return sum(map(_is_inside, self._own))


def decimal_of(written: str) -> Decimal | None:
    """The number that digits say, all of them; None where they say none."""
    try:
        number = Decimal(written)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < DIGITS else None


def _retyped(path: Path, kind: str, value: object, words: Vocabulary) -> str | None:
    if isinstance(value, float) and kind == "int_type" and _is_exact(value):
        number = int(value)
        return str(number) if words.fits(path, number) else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    if kind == "bool_type":
        return SWITCHES.get(text.lower())
    if kind == "int_type" and _INTEGER.fullmatch(text) and words.fits(path, int(text)):
        return value_text(int(text))
    if (
        kind == "float_type"
        and _NUMBER.fullmatch(text)
        and words.fits(path, float(text))
    ):
        return text
    is_null = text.lower() in _NULLS and words.default_of(path) is None
    return "null" if is_null else None


def _is_exact(value: float) -> bool:
    """Whether a number is whole, and no other was meant: floats skip some from 2⁵³."""
    return value.is_integer() and abs(value) < 2**53


def _is_whole(written: str) -> bool:
    """Whether the digits themselves are of a whole number; a float rounds them."""
    number = decimal_of(written)
    return number is not None and number == number.to_integral_value()


def _is_of_words(path: tuple[str | int, ...]) -> TypeGuard[Path]:
    return all(isinstance(part, str) for part in path)


def _is_inside(path: Path) -> bool:
    return path[:1] == ("variant",) and len(path) == len(("variant", "key"))
