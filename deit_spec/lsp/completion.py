"""What may be written where a cursor stands: keys that are missing, and values."""

import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

from lsprotocol import types

from deit_spec import published
from deit_spec.lsp.cursor import Cursor, cursor_at, written
from deit_spec.lsp.document import Document
from deit_spec.spec.spec_json_schema import json_schema
from deit_spec.yaml_source.files import real
from deit_spec.yaml_source.scalars import scalar_text

_SUFFIXES: Final = (".yaml", ".yml")
_MOST_FILES: Final = 200
_SNIPPET: Final = re.compile(r"[\\$}]")


def complete(
    document: Document, offset: int, *, snippets: bool = False
) -> list[types.CompletionItem]:
    """Offer keys or values; `snippets` tells whether the client selects defaults."""
    cursor = None if document.is_too_large else cursor_at(document.text, offset)
    if cursor is None:
        return []
    fields = _fields(cursor.outer)
    items: Iterator[types.CompletionItem]
    if cursor.key is None:
        there = written(document.text, offset, cursor.outer)
        missing = {name: field for name, field in fields.items() if name not in there}
        items = (
            _key(name, missing[name], cursor, snippets=snippets) for name in missing
        )
    elif cursor.key == "extends" and not cursor.outer:
        items = _bases(document, cursor)
    else:
        items = _values(fields.get(cursor.key, {}))
    where = document.text.range(cursor.start, cursor.end)
    return [*_placed(items, where)]


@cache
def _schema() -> dict[str, Any]:
    return json_schema()


def _fields(outer: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    schema = _schema()
    for key in outer:
        schema = schema["properties"][key]
    fields: dict[str, dict[str, Any]] = schema["properties"]
    return fields


def _key(
    name: str, field: dict[str, Any], cursor: Cursor, *, snippets: bool
) -> types.CompletionItem:
    default = scalar_text(field["default"]) if "default" in field else ""
    is_mapping = field["type"] == "object"
    if cursor.has_value:
        text = name
    elif is_mapping:
        text = f"{name}:\n  "
    elif snippets:
        text = f"{name}: ${{1:{_SNIPPET.sub(_escape, default)}}}"
    else:
        text = f"{name}: {default}"
    is_snippet = snippets and "${" in text
    return types.CompletionItem(
        name,
        kind=types.CompletionItemKind.Module
        if is_mapping
        else types.CompletionItemKind.Property,
        detail="" if is_mapping else default,
        documentation=field["description"],
        insert_text=text,
        insert_text_format=types.InsertTextFormat.Snippet
        if is_snippet
        else types.InsertTextFormat.PlainText,
    )


def _escape(found: re.Match[str]) -> str:
    return f"\\{found.group()}"


def _values(field: dict[str, Any]) -> Iterator[types.CompletionItem]:
    """The values of a field: all there are, or its default and examples."""
    kinds = field.get("type", [])
    listed = [*field.get("enum", [])]
    if "boolean" in kinds:
        listed += [True, False]
    if "default" in field and field["default"] not in listed:
        listed.append(field["default"])
    listed += field.get("examples", [])
    for value in listed:
        if isinstance(value, dict):
            continue
        is_default = "default" in field and value == field["default"]
        yield types.CompletionItem(
            scalar_text(value),
            kind=types.CompletionItemKind.Value,
            detail="default" if is_default else None,
            preselect=is_default,
        )


def _bases(document: Document, cursor: Cursor) -> Iterator[types.CompletionItem]:
    """Published names, and the specs beside the document or below a folder begun."""
    if "/" not in cursor.word:
        for name in published.names():
            yield types.CompletionItem(
                name, kind=types.CompletionItemKind.Reference, detail="published"
            )
    if document.origin is not None and document.origin.path is not None:
        own = document.origin.path
        begun, slash, _ = cursor.word.rpartition("/")
        for name in islice(
            _specs(own.parent / f"{begun}{slash}", real(own)), _MOST_FILES
        ):
            yield types.CompletionItem(
                f"{begun}{slash}{name}", kind=types.CompletionItemKind.File
            )


def _specs(folder: Path, own: Path) -> Iterator[str]:
    """The specs and the folders in a folder; nothing where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except (OSError, ValueError):
        return
    for entry in found:
        if entry.name.startswith(".") or real(Path(entry.path)) == own:
            continue
        if Path(entry.path).is_dir():  # that of the entry raises for a circle of links
            yield f"{entry.name}/"
        elif entry.name.endswith(_SUFFIXES):
            yield entry.name


def _placed(
    items: Iterable[types.CompletionItem], where: types.Range
) -> Iterator[types.CompletionItem]:
    """Say of each what it replaces, and keep the order."""
    for place, item in enumerate(items):
        text = item.insert_text or item.label
        item.insert_text, item.text_edit = None, types.TextEdit(where, text)
        item.sort_text = f"{place:03}"
        yield item
