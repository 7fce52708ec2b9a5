"""Mends that are certain, as edits of the text that a document was read from.

Whatever a person might have meant otherwise has helps, and no fix. A fix changes
what it mends and nothing beside it: comments and layout stay.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Final

from deit_spec.diagnostics import Edit, Fix
from deit_spec.source import Document
from deit_spec.source.document import Entry
from deit_spec.source.lines import Line, line_of, line_with
from deit_spec.spec.fields import SYNONYMS, TOP, VARIANT, default_of, fits, meant_by
from deit_spec.spec.places import plain

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
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "yes", "on"), "true"),
    **dict.fromkeys(("false", "no", "off"), "false"),
}
_NULLS: Final = frozenset({"none", "null", "nil", "~"})
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,15}")
_NUMBER: Final = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")


def rename(path: Path, word: str, document: Document) -> Fix | None:
    """Write the key that was meant, in the same mapping."""
    if not _is_sure(path, word, (*path[:-1], word), document):
        return None
    edit = Edit(document.spans[path].key, word)
    return Fix(f"rename `{path[-1]}` to `{word}`", (edit,))


def move(path: Path, word: str, document: Document) -> Fix | None:
    """Move a line under `variant`, or out of it, to the key that was meant."""
    inside = len(path) > 1
    if not _is_sure(path, word, (word,) if inside else ("variant", word), document):
        return None
    line = line_of(document.spans[path], document.source)
    if line is None:
        return None
    move_line = _to_the_top if inside else _below
    edits = move_line(line, word, document)
    place = "to the top level" if inside else "under `variant`"
    return Fix(f"move `{word}` {place}", edits) if edits else None


def retype(path: Path, kind: str, value: object, document: Document) -> Fix | None:
    """Write the number, the boolean or the null that a value of another type says."""
    text = _retyped(path, kind, value)
    return _write(path, text, document) if text is not None else None


def choose(path: Path, word: str, value: str, document: Document) -> Fix | None:
    """Write the allowed value that was misspelt."""
    return _write(path, word, document) if _is_close(value, word) else None


def _retyped(path: Path, kind: str, value: object) -> str | None:
    if isinstance(value, float) and kind == "int_type" and value.is_integer():
        number = int(value)
        return str(number) if fits(path, number) else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    if kind == "bool_type":
        return _BOOLEANS.get(text.lower())
    if kind == "int_type" and _INTEGER.fullmatch(text) and fits(path, int(text)):
        return plain(int(text))
    if kind == "float_type" and _NUMBER.fullmatch(text) and fits(path, float(text)):
        return text
    is_null = text.lower() in _NULLS and default_of(path) is None
    return "null" if is_null else None


def _write(path: Path, text: str, document: Document) -> Fix | None:
    entry = _own(document).get(path)
    if entry is None or entry.value.line != entry.value.end_line:
        return None
    return Fix(f"write `{path[-1]}: {text}`", (Edit(entry.value, text),))


def _is_sure(path: Path, word: str, target: Path, document: Document) -> bool:
    """Whether a key can have meant but this word, and the word is free."""
    own = _own(document)
    if path not in own or target in own or not _is_close(path[-1], word):
        return False
    return _meanings(own).count(target) == 1


def _own(document: Document) -> dict[Path, Entry]:
    """The entries of the document's own text; what it extends is not its to edit."""
    return {
        tuple(map(str, path)): entry
        for path, entry in document.spans.items()
        if entry.key.source is document.source
    }


def _meanings(own: Iterable[Path]) -> list[Path]:
    """The fields that unknown keys may have meant, wherever they belong."""
    unknown = {path for path in own if path and path[-1] not in _fields_at(path)}
    return [meant_by(path) for path in unknown]


def _fields_at(path: Path) -> tuple[str, ...]:
    return VARIANT if len(path) > 1 else TOP


def _is_close(written: str, word: str) -> bool:
    plain_word = written.lower().replace("-", "_").replace(" ", "_")
    if plain_word in _NOT_QUITE:
        return False
    if SYNONYMS.get(plain_word) == word:
        return True
    return difflib.SequenceMatcher(None, plain_word, word).ratio() >= _CLOSE


def _below(line: Line, word: str, document: Document) -> tuple[Edit, ...] | None:
    """Under `variant`: before its first key, or with a `variant:` of its own."""
    own = _own(document)
    if ("variant",) not in own:
        # One line opens it; the next time, the others find it there.
        opened = f"variant:{line.line_break}{line.indent}  {word}"
        return (line.key_as(opened),) if _is_first(line, own) else None
    inside = [entry for path, entry in own.items() if _is_inside(path)]
    first = line_with(inside[0], document.source) if inside else None
    if first is None:
        return None
    added = f"{word}{line.rest}{line.line_break}{first.indent}"
    return (line.removed(), first.before_key(added))


def _is_first(line: Line, own: Mapping[Path, Entry]) -> bool:
    """Whether no key before this line may belong under `variant` too."""
    misplaced = (
        entry.key.line
        for path, entry in own.items()
        if len(path) == 1 and any(len(meant) > 1 for meant in _meanings([path]))
    )
    return line.number == min(misplaced)


def _to_the_top(line: Line, word: str, document: Document) -> tuple[Edit, ...] | None:
    """Before `variant`, unless that would be left without a key."""
    own = _own(document)
    outer = line_with(own["variant",], document.source)
    if outer is None or sum(map(_is_inside, own)) == 1:
        return None
    added = f"{word}{line.rest}{line.line_break}{outer.indent}"
    return (outer.before_key(added), line.removed())


def _is_inside(path: Path) -> bool:
    return path[:1] == ("variant",) and len(path) == len(("variant", "key"))
