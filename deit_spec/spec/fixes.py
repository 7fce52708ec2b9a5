"""Fixes of single fields, as edits of the text that a document was read from.

A fix is offered only where the meaning is certain; otherwise there is a help alone. An
edit changes what it fixes and nothing else: comments and layout stay.
"""

import math
import re
from collections import Counter
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Final

from deit_spec.diagnostics import Edit, Fix, Span
from deit_spec.spec.field_names import FieldNames, Path, pair_in
from deit_spec.yaml_source import Document, Entry
from deit_spec.yaml_source.line_edits import Line, line_of, line_with

_ENDS: Final = frozenset({"", " ", "\t", "\r", "\n", ",", "]", "}"})
"""What may follow an unquoted value."""
_SWITCHES: Final = {
    **dict.fromkeys(("true", "yes", "on"), "true"),
    **dict.fromkeys(("false", "no", "off"), "false"),
}
_NULLS: Final = frozenset({"none", "null", "nil", "~"})
_NUMBER: Final = re.compile(r"[-+]?(\d{1,15}(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?")
_THOUSANDS: Final = re.compile(r"[1-9]\d{0,2}(\.\d{3})+")
"""Either a decimal or thousands, as in `1.000`: not certain."""


class Fixes:
    """The fixes of one document; what it extends is not edited."""

    def __init__(self, document: Document, names: FieldNames) -> None:
        self.document = document
        self.names = names

    def rename(self, path: Path, target: Path) -> Fix | None:
        """Write the name of the field that was meant, in the same mapping."""
        if path[:-1] != target[:-1] or not self._is_certain(path, target):
            return None
        if not self._has_same_shape(path, target):
            return None
        edit = self._in_same_quotes(self._own[path].key, target[-1])
        return Fix(f"rename `{path[-1]}` to `{target[-1]}`", (edit,))

    def split(self, path: Path) -> Fix | None:
        """Put the space into `{embed_dim:192}`, which is a key without a value."""
        entry, pair = self._own.get(path), pair_in(path[-1])
        if entry is None or pair is None or self.document.recovered:
            return None
        target = (*path[:-1], pair[0])
        is_alone = entry.value.start == entry.value.end and entry.key.text == path[-1]
        if not is_alone or not self.names.is_known(target) or not self._is_free(target):
            return None
        text = ": ".join(pair)
        return Fix(f"write `{text}`", (Edit(entry.key, text),))

    def split_value(self, path: Path) -> Fix | None:
        """Put the space into `init:fan_in`, which is a text below a section."""
        entry, pair = self._own.get(path), pair_in(self.written(path))
        if entry is None or pair is None or entry.key.line == entry.value.line:
            return None
        if not self.names.is_known((*path, pair[0])):
            return None
        text = ": ".join(pair)
        return Fix(f"write `{text}`", (Edit(entry.value, text),))

    def move(self, path: Path, target: Path) -> Fix | None:
        """Move a line under `variant`, or out of it, to the field that was meant."""
        if self._moves.get(path) != target:
            return None
        line = line_of(self._own[path], self.document.source)
        assert line is not None  # noqa: S101  -- or it would not move
        key = target[-1]
        edits = (
            self._into_section(line, path, target)
            if len(target) > 1
            else self._out_of_section(line, path[0], key)
        )
        place = f"under `{target[0]}`" if len(target) > 1 else "to the top level"
        return Fix(f"move `{key}` {place}", edits) if edits else None

    def retype(self, path: Path, kind: str, value: object) -> Fix | None:
        """Write the number, boolean or null that a value of another type means."""
        text, written = self._retyped(path, kind, value), self.written(path)
        if text is None or _THOUSANDS.fullmatch(written):
            return None
        span = self._own[path].value
        # After a quote the parser takes `#` for a comment; after a word it does not.
        follows = span.source.text[span.end : span.end + 1]
        if span.line != span.end_line or follows not in _ENDS:
            return None
        if written[:1] in {"'", '"'} and self.document.recovered:
            return None
        return Fix(f"write `{path[-1]}: {text}`", (Edit(span, text),))

    def choose(self, path: Path, word: str, value: str) -> Fix | None:
        """Write the valid value that was misspelt."""
        if path not in self._own or not self.names.is_misspelt(value, word):
            return None
        edit = self._in_same_quotes(self._own[path].value, word)
        return Fix(f"write `{path[-1]}: {word}`", (edit,))

    def written(self, path: Path) -> str:
        """The text of a value; empty if it is not in this document's own text."""
        entry = self._own.get(path)
        return entry.value.text if entry else ""

    def _retyped(self, path: Path, kind: str, value: object) -> str | None:
        if path not in self._own:
            return None
        if isinstance(value, float) and kind == "int_type":
            number = _decimal(self.written(path))
            # Beyond 2⁵³ a float is not exact.
            is_exact = number is not None and number == int(value) < 2**53
            return self._fitting(path, int(value)) if is_exact else None
        text = value.strip() if isinstance(value, str) else ""
        if kind == "bool_type":
            return switch_in(text)
        if text.lower() in _NULLS:
            return "null" if self.names.default_of(path) is None else None
        if kind == "int_type" and re.fullmatch(r"[-+]?\d{1,15}", text):
            return self._fitting(path, int(text))
        is_number = kind == "float_type" and _NUMBER.fullmatch(text)
        return text if is_number and self.names.fits(path, float(text)) else None

    def _fitting(self, path: Path, value: int) -> str | None:
        return str(value) if self.names.fits(path, value) else None

    def _in_same_quotes(self, span: Span, word: str) -> Edit:
        """Replace a span by a word, in the same quotes: `{"depht":4}` needs them."""
        quote = span.text[:1]
        return Edit(span, f"{quote}{word}{quote}" if quote in {"'", '"'} else word)

    def _is_certain(self, path: Path, target: Path) -> bool:
        """Whether a key can mean this field only, and the field is not there."""
        is_own = path in self._own and path != target
        is_misspelt = self.names.is_misspelt(path[-1], target[-1])
        return is_own and is_misspelt and self._is_free(target)

    def _is_free(self, target: Path) -> bool:
        return target not in self._own and self._meanings[target] == 1

    def _has_same_shape(self, path: Path, target: Path) -> bool:
        """Whether a value is a list or a mapping where the field's is one."""
        value = self.document.at(path)
        if isinstance(value, dict) and self.names.is_section(target):
            return True
        is_list = isinstance(self.names.default_of(target), list | tuple)
        same = isinstance(value, list | dict) == is_list
        return same or self.names.fits(target, value)

    def _into_section(self, line: Line, path: Path, target: Path) -> tuple[Edit, ...]:
        """Move a line to the end of the section, or open the section with it."""
        section, key = target[:1], target[-1]
        entry = self._own.get(section)
        if entry is None:
            # One line opens it; in the next round the others find it there.
            if path != next(p for p, t in self._moves.items() if t[:1] == section):
                return ()
            opened = f"{section[0]}:{line.line_break}{line.indent}  {key}"
            return (line.key_as(opened),)
        inside = [e for p, e in self._own.items() if len(p) > 1 and p[:1] == section]
        if inside:
            last = line_of(inside[-1], self.document.source)
            return (last.with_next(f"{key}{line.rest}"), line.removed()) if last else ()
        head = line_with(entry, self.document.source)
        if head is None or entry.value.text:
            return ()
        return (head.with_next(f"  {key}{line.rest}"), line.removed())

    def _out_of_section(self, line: Line, section: str, key: str) -> tuple[Edit, ...]:
        """Move a line before the section, which is removed if it is empty then."""
        head = line_with(self._own[section,], self.document.source)
        if head is None:
            return ()
        inside = sum(len(p) > 1 and p[0] == section for p in self._own)
        if inside == 1:
            start = line.positions.span(line.start, line.after_key)
            return (head.removed(), Edit(start, f"{head.indent}{key}"))
        added = f"{key}{line.rest}{line.line_break}{head.indent}"
        return (head.before_key(added), line.removed())

    @cached_property
    def _moves(self) -> dict[Path, Path]:
        """The keys that certainly belong into another mapping, in block style."""
        text = self.document.source.text
        # A line with a tab may mean something else between other lines.
        if re.search(r"^ *\t", text, re.MULTILINE):
            return {}
        if text[self.document.nearest(()).value.start :][:1] == "{":
            return {}
        moves = {}
        for path, target in self._unknown.items():
            if len(path) == len(target) or not self._is_certain(path, target):
                continue
            section = (path if len(path) > 1 else target)[:1]
            is_there = section in self._own
            opening = self._own[section].value.text[:1] if is_there else ""
            if opening in {"{", "&", "!"} or (self._meanings[section] and not is_there):
                continue
            if line_of(self._own[path], self.document.source):
                moves[path] = target
        return moves

    @cached_property
    def _own(self) -> dict[Path, Entry]:
        """The entries of the document's own text, in its order."""
        return {
            tuple(map(str, path)): entry
            for path, entry in self.document.spans.items()
            if entry.source is self.document.source
            if all(isinstance(step, str) for step in path)
        }

    @cached_property
    def _unknown(self) -> dict[Path, Path]:
        """The unknown keys, each with the field that it most likely means."""
        return {
            path: self.names.resolve(path)
            for path in self._own
            if len(path) == 1 or (len(path) == 2 and path[0] in self.names.sections)  # noqa: PLR2004
            if not self.names.is_known(path)
        }

    @cached_property
    def _meanings(self) -> Counter[Path]:
        """How many unknown keys may mean each field."""
        return Counter(self._unknown.values())


def switch_in(value: object) -> str | None:
    """The boolean that a text means: `yes` is true."""
    return _SWITCHES.get(value.strip().lower()) if isinstance(value, str) else None


def near_number(value: object, written: str, *, whole: bool) -> list[float]:
    """The numbers that a value of another type most likely means.

    Of a list of equal numbers, as timm has it for the sides of an image, it is one.
    `written` is the text of the value, which has digits that a float has not.
    """
    if isinstance(value, list) and value and value.count(value[0]) == len(value):
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, str | float | int):
        return []
    number = _decimal(written if isinstance(value, float) and written else str(value))
    if number is None:
        return []
    near = [math.floor(number), math.ceil(number)] if whole else [float(number)]
    if whole and _THOUSANDS.fullmatch(written):
        near.append(int(written.replace(".", "")))
    return sorted(set(near))


def _decimal(written: str) -> Decimal | None:
    """The exact number in a text; None if it is not a number."""
    text = written.strip()
    try:
        number = Decimal(text) if _NUMBER.fullmatch(text) else None
    except InvalidOperation:
        return None
    return number if number is None or number.adjusted() < 400 else None  # noqa: PLR2004
