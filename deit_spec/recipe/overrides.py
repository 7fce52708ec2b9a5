"""`--set optimizer.lr=1e-3`: a value laid over a recipe, with a place of its own.

Each override is a source of its own, so that a message shows its text.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from deit_spec.diagnostics import Diagnostic, Label, Source, Span, diagnose
from deit_spec.source import Document, Entry, Path, read_pair
from deit_spec.source.positions import Positions

NAME: Final = "--set"
"""What messages call the source of an override."""

_KEY: Final = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*")


class Override(NamedTuple):
    """A value at a path, with the places of both."""

    path: tuple[str, ...]
    value: object
    spans: dict[Path, Entry]
    doubts: frozenset[Path] = frozenset()


def read_override(text: str) -> tuple[Override | None, list[Diagnostic]]:
    """Read `key.path=value`; the value is YAML."""
    key, equals, _ = text.partition("=")
    if not equals or not _KEY.fullmatch(key):
        return None, [_malformed(text, key, has_value=bool(equals))]
    document, findings = read_pair(text, NAME)
    if document is None or not isinstance(document.value, Mapping):
        return None, findings
    if key not in document.value:
        return None, findings
    return nested(document, key, key), findings


def nested(document: Document, key: str, dotted: str, *, at: int = 0) -> Override:
    """Make an override of a pair whose key has the path of the field in it.

    `at` is the column, from 0, at which the path begins in the span of the key.
    """
    value: Any = document.value
    path = tuple(dotted.split("."))
    spans = dict[Path, Entry](_outer(document.spans[key,], path, at))
    for old, entry in document.spans.items():
        if old[:1] == (key,) and len(old) > 1:
            spans[(*path, *old[1:])] = entry
    doubts = frozenset(
        (*path, *old[1:]) for old in document.doubts if old[:1] == (key,)
    )
    return Override(path, value.get(key), spans, doubts)


def apply(document: Document, overrides: Sequence[Override]) -> Document:
    """Lay overrides over a document, the last on top."""
    for override in overrides:
        document = _apply(document, override)
    return document


def _apply(document: Document, override: Override) -> Document:
    value = document.value
    if not isinstance(value, Mapping):
        return document
    path = override.path
    root: dict[str, object] = dict(value)
    inner = root
    for key in path[:-1]:
        found = inner.get(key)
        if found is not None and not isinstance(found, Mapping):
            return document  # what stands there is wrong by itself
        inner[key] = copied = dict(found or {})
        inner = copied
    inner[path[-1]] = override.value
    spans = {
        place: entry
        for place, entry in document.spans.items()
        if place[: len(path)] != path
    }
    for place, entry in override.spans.items():
        if len(place) >= len(path) or place not in spans:
            spans[place] = entry
    doubts = {each for each in document.doubts if each[: len(path)] != path}
    return replace(
        document, value=root, spans=spans, doubts=frozenset(doubts | override.doubts)
    )


def _outer(pair: Entry, path: tuple[str, ...], at: int) -> list[tuple[Path, Entry]]:
    """An entry for each part of the path, at its own place in the key."""
    source = pair.source
    positions = Positions(source)
    start = source.offset(pair.key.line, pair.key.column) + at
    value = _offsets(pair.value, source)
    entries = list[tuple[Path, Entry]]()
    for index, key in enumerate(path):
        place = (start, start + len(key))
        is_last = index == len(path) - 1
        within = value if is_last else (place[0], value[1])
        entries.append((path[: index + 1], Entry(positions, place, within)))
        start = place[1] + 1
    return entries


def _offsets(span: Span, source: Source) -> tuple[int, int]:
    return (
        source.offset(span.line, span.column),
        source.offset(span.end_line, span.end_column),
    )


def _malformed(text: str, key: str, *, has_value: bool) -> Diagnostic:
    source = Source(NAME, text)
    span = Positions(source).span(0, len(key) or len(text))
    message = (
        f"`{key}` is not the name of a field" if has_value else f"`{key}` has no `=`"
    )
    example = f"{key}=VALUE" if key and not has_value else "optimizer.lr=1e-3"
    return diagnose("DS001", message, Label(span), helps=[f"`{NAME} {example}`"])
