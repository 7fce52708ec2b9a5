"""Fixes of single fields, as edits of the text, and the loop that applies all fixes.

A fix is offered only where the meaning is certain; otherwise there is a help alone. An
edit changes what it fixes and nothing else: comments and layout stay.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from deit_spec.diagnostics import Edit, Fix, Span, apply_fixes
from deit_spec.spec.field_names import FieldNames, Path, pair_in, side_in
from deit_spec.spec.origin import is_published
from deit_spec.yaml_source import Document, Entry
from deit_spec.yaml_source.document import FILE_BYTES
from deit_spec.yaml_source.line_edits import Line, line_of, line_with

ROUNDS: Final = 10
"""How often fixes are applied and the text is checked again, at most."""

_ENDS: Final = frozenset({"", " ", "\t", "\r", "\n", ",", "]", "}"})
"""What may follow an unquoted value."""
_QUOTES: Final = ("'", '"')
_SWITCHES: Final = {
    **dict.fromkeys(("true", "yes", "on"), "true"),
    **dict.fromkeys(("false", "no", "off"), "false"),
}
_NULLS: Final = frozenset({"none", "null", "nil", "~"})
_NUMBERS: Final = {
    "int_type": re.compile(r"([-+]?\d{1,15})(\.0?)?"),
    "float_type": re.compile(r"([-+]?(\d{1,15}(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?)"),
}
"""By type of error, the texts that mean a number, which is the first group."""


class Fixes:
    """The fixes of one document; what it extends is not edited."""

    def __init__(self, document: Document, names: FieldNames) -> None:
        self.document = document
        self.names = names

    def rename(self, path: Path, target: Path) -> Fix | None:
        """Write the name of the field that was meant, in the same mapping."""
        if path[:-1] != target[:-1] or not self._is_certain(path, target):
            return None
        value = self.document.at(path)
        is_section = isinstance(value, dict) and self.names.is_section(target)
        is_scalar = not isinstance(value, dict | list)
        is_square = target in self.names.sides and side_in(value) is not None
        fits = is_section or is_scalar or is_square or self.names.fits(target, value)
        if not fits:
            return None
        edit = _in_same_quotes(self._own[path].key, target[-1])
        return Fix(f"rename `{path[-1]}` to `{target[-1]}`", (edit,))

    def split_key(self, path: Path) -> Fix | None:
        """Put the space into `{embed_dim:192}`, which is a key without a value."""
        entry, pair = self._own.get(path), pair_in(path[-1])
        if entry is None or pair is None or self.document.recovered:
            return None
        target = (*path[:-1], pair[0])
        is_alone = entry.value.start == entry.value.end and entry.key.text == path[-1]
        if not is_alone or not self.names.is_known(target) or not self._is_free(target):
            return None
        return Fix(f"write `{': '.join(pair)}`", (Edit(entry.key, ": ".join(pair)),))

    def retype(self, path: Path, kind: str) -> Fix | None:
        """Write the number, boolean or null that a value of another type means."""
        written = self._written(path)
        is_known = self.names.is_known(path)
        text = self._retyped(path, kind, written) if is_known else None
        if text is None:
            return None
        span = self._own[path].value
        is_quoted = written[:1] in _QUOTES
        # After a quote the parser takes `#` for a comment; after a word it does not.
        follows = span.source.text[span.end : span.end + 1]
        if follows not in _ENDS or (is_quoted and self.document.recovered):
            return None
        return Fix(f"write `{path[-1]}: {text}`", (Edit(span, text),))

    def choose(self, path: Path, word: str, value: str) -> Fix | None:
        """Write the valid value that was misspelt."""
        value = value.rstrip(",;")
        if path not in self._own or not self.names.is_misspelt(value, word):
            return None
        edit = _in_same_quotes(self._own[path].value, word)
        return Fix(f"write `{path[-1]}: {word}`", (edit,))

    def move(self, path: Path, target: Path) -> Fix | None:
        """Move a line under `variant`, or out of it, to the field that was meant."""
        line = self._moves.get(path)
        if line is None:
            return None
        key = target[-1]
        if len(target) > 1:
            place = f"under `{target[0]}`"
            edits = self._into_section(line, path, target)
        else:
            place = "to the top level"
            edits = self._out_of_section(line, path[0], key)
        return Fix(f"move `{key}` {place}", edits) if edits else None

    def _written(self, path: Path) -> str:
        """The text of a value; empty if it is not in this document's own text."""
        entry = self._own.get(path)
        return entry.value.text if entry else ""

    def _retyped(self, path: Path, kind: str, written: str) -> str | None:
        word = written[1:-1] if written[:1] in _QUOTES else written
        word = word.rstrip(",;")
        if kind == "bool_type":
            return _SWITCHES.get(word.lower())
        if path in self.names.sides and (side := side_in(self.document.at(path))):
            return str(side)
        if word.lower() in _NULLS:
            return "null" if self.names.fits(path, None) else None
        found = _NUMBERS[kind].fullmatch(word) if kind in _NUMBERS else None
        if found is None:
            return None
        number = int(found[1]) if kind == "int_type" else float(found[1])
        return found[1] if self.names.fits(path, number) else None

    def _is_certain(self, path: Path, target: Path) -> bool:
        """Whether a key can mean this field only, and the field is not there."""
        is_own = path in self._own and path != target
        is_misspelt = self.names.is_misspelt(path[-1], target[-1])
        is_misspelt = is_misspelt or path == (".".join(target),)
        if target == ("extends",) and not is_misspelt:
            is_misspelt = is_published(str(self.document.at(path)))
        return is_own and is_misspelt and self._is_free(target)

    def _is_free(self, target: Path) -> bool:
        return target not in self._own and self._meanings[target] == 1

    def _into_section(self, line: Line, path: Path, target: Path) -> tuple[Edit, ...]:
        """Move a line to the end of the section, or open the section with it."""
        section, key = target[:1], target[-1]
        entry = self._own.get(section)
        if entry is None:
            # One line opens it; in the next round the others find it there.
            if path != next(each for each in self._moves if len(each) == 1):
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
        if sum(len(path) > 1 and path[0] == section for path in self._own) == 1:
            start = line.positions.span(line.start, line.after_key)
            return (head.removed(), Edit(start, f"{head.indent}{key}"))
        added = f"{key}{line.rest}{line.line_break}{head.indent}"
        return (head.before_key(added), line.removed())

    @cached_property
    def _moves(self) -> dict[Path, Line]:
        """The lines of keys that certainly belong to another mapping, by path."""
        source, root = self.document.source, self.document.nearest(()).value
        if self._has_tab or source.text[root.start :][:1] == "{":
            return {}
        moves = {}
        for path, target in self._unknown.items():
            if len(path) == len(target) or not self._is_certain(path, target):
                continue
            section = (path if len(path) > 1 else target)[:1]
            is_block = self._written(section)[:1] not in {"{", "&", "!"}
            is_misspelt = section not in self._own and self._meanings[section]
            line = line_of(self._own[path], source)
            if line and is_block and not is_misspelt:
                moves[path] = line
        return moves

    @cached_property
    def _has_tab(self) -> bool:
        """Whether a line with a tab may mean something else between other lines."""
        text = self.document.source.text
        return re.search(r"^ *\t", text, re.MULTILINE) is not None

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


def _in_same_quotes(span: Span, word: str) -> Edit:
    """Replace a span by a word, in the same quotes: `{"depht":4}` needs them."""
    quote = span.text[:1]
    return Edit(span, f"{quote}{word}{quote}" if quote in _QUOTES else word)


@dataclass(frozen=True)
class Fixed:
    """A text before and after its fixes, the fixes, and what `check` returned last."""

    before: bytes
    after: bytes
    fixes: tuple[Fix, ...]
    checked: Any


def fix_text(data: bytes, check: Callable[[bytes], Any]) -> Fixed:
    """Apply every fix to a text, check it again with `check`, and repeat.

    All outside the edits stays byte for byte. Nothing is written.
    """
    after, checked, fixes = data, check(data), list[Fix]()
    for _ in range(ROUNDS):
        found = _round(after, checked, check)
        if found is None:
            break
        after, applied, checked = found
        fixes += applied
    return Fixed(data, after, tuple(fixes), checked)


def _round(
    data: bytes, checked: Any, check: Callable[[bytes], Any]
) -> tuple[bytes, list[Fix], Any] | None:
    """Apply the fixes that do not overlap, fewer if they are worse together."""
    found = [each for each in checked.diagnostics if each.fix]
    source = checked.document.source if checked.document else None
    source = source or (found[0].fix.source if found else None)
    found = [each for each in found if each.fix.source is source]
    syntax = [each.fix for each in found if each.code.startswith("DS0")]
    fixes = syntax or [each.fix for each in found]
    while source and fixes:
        # A byte order mark is not part of the source.
        mark = data[: len(data) - len(source.text.encode())]
        text, applied = apply_fixes(fixes, source, FILE_BYTES - len(mark))
        if not applied:
            return None
        after = mark + text.encode()
        after_check = check(after)
        # A repaired syntax error may uncover others.
        if _has_syntax_error(checked) or not _has_syntax_error(after_check):
            return after, applied, after_check
        fixes = fixes[: len(applied) // 2]
    return None


def _has_syntax_error(checked: Any) -> bool:
    """Whether a text has a syntax error; what it extends does not count."""
    if checked.document is None:
        return True
    source = checked.document.source
    found = (each for each in checked.diagnostics if each.code == "DS001")
    return any(each.primary.span.source is source for each in found)
