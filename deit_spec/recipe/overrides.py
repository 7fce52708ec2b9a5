"""`--set optimizer.lr=1e-3`: a value that replaces one of a recipe, with its spans.

Each override is a source of its own, so that a message shows its text.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Final, NamedTuple

from deit_spec.diagnostics import Diagnostic, Label, Source, diagnose
from deit_spec.yaml_source import Document, Entry, Path, read_pair
from deit_spec.yaml_source.document import Positions

NAME: Final = "--set"
"""The name of an override's source in messages."""

_KEY: Final = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*")


class Override(NamedTuple):
    """A value at a path, with the spans of both."""

    path: tuple[str, ...]
    value: object
    spans: dict[Path, Entry]
    recovered: bool = False


def read_overrides(
    texts: Sequence[str | Override],
) -> tuple[list[Override], list[Diagnostic]]:
    """Read several overrides, and gather what is wrong with any."""
    read = [
        (text, []) if isinstance(text, Override) else read_override(text)
        for text in texts
    ]
    overrides = [override for override, _ in read if override]
    return overrides, [each for _, found in read for each in found]


def read_override(text: str) -> tuple[Override | None, list[Diagnostic]]:
    """Read `key.path=value`; the value is YAML."""
    key, equals, _ = text.partition("=")
    if not equals or not _KEY.fullmatch(key):
        return None, [_malformed(text, key)]
    document, findings = read_pair(text, NAME)
    if document is None or not isinstance(document.value, Mapping):
        return None, findings
    if key not in document.value:
        return None, findings
    if len(document.value) > 1:  # it has a line break
        return None, [*findings, _malformed(text, text)]
    return override_of(document, (key,), document.value[key]), findings


def override_of(document: Document, place: tuple[str, ...], value: object) -> Override:
    """Make an override of a pair of a document whose key is the path of a field."""
    override, size = override_at(place[-1], value, document.spans[place]), len(place)
    for old, entry in document.spans.items():
        if old[:size] == place and len(old) > size:
            override.spans[(*override.path, *old[size:])] = entry
    return override._replace(recovered=document.recovered)


def override_at(field: str, value: object, entry: Entry) -> Override:
    """Make an override of a field; `entry` has the spans of the field and the value."""
    path = tuple(field.split("."))
    spans: dict[Path, Entry] = {path[: end + 1]: entry for end in range(len(path))}
    return Override(path, value, spans)


def override_by_option(option: str, text: str, field: str, value: str) -> Override:
    """Make an override of a field by another option, such as `--data`."""
    positions, whole = Positions(Source(option, text)), (0, len(text))
    return override_at(field, value, Entry(positions, whole, whole))


def apply(document: Document, overrides: Sequence[Override]) -> Document:
    """Replace values of a document by overrides, in this order."""
    return reduce(_apply, overrides, document)


def _apply(document: Document, override: Override) -> Document:
    value = document.value
    if not isinstance(value, Mapping):
        return document
    path = override.path
    root: dict[str, object] = dict(value)
    inner = root
    for key in path[:-1]:
        found = inner.get(key)
        is_mapping = isinstance(found, Mapping)
        if found is not None and not is_mapping and inner is root:
            return document  # this is reported as a wrong type
        # A field below a scalar makes a mapping of that, which is reported.
        inner[key] = copied = dict(found) if isinstance(found, Mapping) else {}
        inner = copied
    inner[path[-1]] = override.value
    field = path[:2]  # what is below it is not in the schema
    kept = {
        place: entry
        for place, entry in document.spans.items()
        if place[: len(field)] != field
    }
    spans = {**override.spans, **kept}
    recovered = document.recovered or override.recovered
    return replace(document, value=root, spans=spans, recovered=recovered)


def _malformed(text: str, key: str) -> Diagnostic:
    """Report an override that is not `field=value`."""
    return diagnose(
        "DS001",
        f"`{NAME}` needs a field and a value, as FIELD=VALUE",
        Label(Positions(Source(NAME, text)).span(0, len(key) or len(text))),
        helps=[f"for example, `{NAME} optimizer.lr=1e-3`"],
    )
