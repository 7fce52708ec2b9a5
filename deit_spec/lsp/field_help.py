"""Hover and completion: the fields of the document, from the JSON Schema."""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from lsprotocol import types

from deit_spec import published
from deit_spec.explain.field_info import FieldInfo, find_field
from deit_spec.lsp.open_document import OpenDocument
from deit_spec.spec import Checked
from deit_spec.yaml_source.scalars import scalar_text

_ENTRY: Final = re.compile(r"""\ufeff?( *)(["']?)([\w.-]+)\2[ \t]*:(?=\s|$)""")
_KEY: Final = re.compile(r"[\w.-]*")
_VALUE: Final = re.compile(r"""["']?([\w.-]+)["']?[ \t]*:[ \t]+["']?([^"',#]*)""")
_REST_OF_VALUE: Final = re.compile(r"""[^"'#,}\s]*""")
_BRACES: Final = re.compile(r"\ufeff?( *)([\w.-]+)[ \t]*:[ \t]*\{([^{}#]*)")
_MOST_FILES: Final = 200

KeyPath = tuple[str, ...]


def hover(document: OpenDocument, offset: int) -> types.Hover | None:
    """Describe the field at an offset."""
    checked, fields = document.checked, document.fields
    spans = checked.document.spans if checked and checked.document else {}
    for path in sorted(spans, key=len, reverse=True):  # the innermost first
        info = find_field(fields, tuple(map(str, path)))
        if info is None or spans[path].key.source.name != document.name:
            continue
        for span in (spans[path].key, spans[path].value):
            start, end = document.text.offsets(span)
            if start <= offset <= end:
                text = "\n\n".join(_description(info, checked))
                content = types.MarkupContent(types.MarkupKind.Markdown, text)
                return types.Hover(content, document.text.range(start, end))
    return None


def _description(info: FieldInfo, checked: object) -> Iterator[str]:
    accepted = ", ".join(filter(None, [info.type_text, info.range_text]))
    yield f"**{info.name}**: {accepted}; default: {info.default_text}"
    yield info.description
    if info.path == ("extends",) and isinstance(checked, Checked) and checked.links:
        names = (f"`{link.text}`" for link in checked.links)
        yield f"Extends {', which extends '.join(names)}."


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The word at the cursor: a key in the mapping `outer`, or the value of `key`."""

    outer: KeyPath
    typed: str
    start: int
    end: int
    key: str | None = None
    has_colon: bool = False


def complete(document: OpenDocument, offset: int) -> list[types.CompletionItem]:
    """Offer missing keys with their defaults, or values."""
    fields = document.fields
    cursor = _cursor(document, offset) if fields else None
    if cursor is None:
        return []
    if cursor.outer:
        info = find_field(fields, cursor.outer)
        fields = info.fields if info else {}
    items: Iterable[types.CompletionItem]
    if cursor.key is None:
        present = _present(document, offset, cursor.outer)
        missing = (info for name, info in fields.items() if name not in present)
        items = (_key(info, cursor) for info in missing)
    elif cursor.key in {"extends", "spec"}:
        items = _specs(document) if cursor.key in fields else ()
    else:
        items = _values(fields.get(cursor.key))
    where = document.text.range(cursor.start, cursor.end)
    found = [*items]
    for place, item in enumerate(found):
        item.text_edit = types.TextEdit(where, item.insert_text or item.label)
        item.insert_text, item.sort_text = None, f"{place:03}"
    return found


def _cursor(document: OpenDocument, offset: int) -> _Cursor | None:
    """Find the word at an offset. The text is rarely valid YAML while it is typed."""
    where = document.text.location(offset)
    line = document.text.lines[where.line]
    before, after = line[: where.character], line[where.character :]
    segment = before.lstrip("\ufeff").lstrip(" ")
    above = document.text.lines[: where.line]
    outer = _outer(above, len(before.lstrip("\ufeff")) - len(segment))
    if braces := _BRACES.fullmatch(before):
        outer = (*_outer(above, len(braces[1])), braces[2])
        segment = braces[3].rpartition(",")[2].lstrip()
    if _KEY.fullmatch(segment):
        rest = _KEY.match(after)
        end = rest.end() if rest else 0
        has_colon = after[end:].lstrip().startswith(":")
        start, end = offset - len(segment), offset + end
        return _Cursor(outer, segment, start, end, None, has_colon)
    if value := _VALUE.fullmatch(segment):
        rest = _REST_OF_VALUE.match(after)
        end = offset + (rest.end() if rest else 0)
        return _Cursor(outer, value[2], offset - len(value[2]), end, value[1])
    return None


def _entries(lines: list[str]) -> Iterator[tuple[int, int, KeyPath, KeyPath]]:
    """Yield the lines with a key: number, indentation, mapping, and what it opens."""
    stack: list[tuple[int, KeyPath]] = []
    for number, line in enumerate(lines):
        entry = _ENTRY.match(line)
        if entry is None:
            continue
        indent, rest = len(entry[1]), line[entry.end() :].partition("#")[0]
        while stack and stack[-1][0] >= indent:
            stack.pop()
        outer = stack[-1][1] if stack else ()
        # Lines below a key with a value are not in a mapping; no field is called "".
        opened = (*outer, "" if rest.strip() else entry[3])
        yield number, indent, (*outer, entry[3]), opened
        stack.append((indent, opened))


def _outer(lines: list[str], indent: int) -> KeyPath:
    """Return the path of the mapping that contains a line below these lines."""
    opened = [path for _, width, _, path in _entries(lines) if width < indent]
    return opened[-1] if opened else ()


def _present(document: OpenDocument, offset: int, outer: KeyPath) -> set[str]:
    """Return the keys of a mapping, without the one that is being typed."""
    number, lines = document.text.location(offset).line, document.text.lines
    if braces := _BRACES.match(lines[number]):
        return set(re.findall(r"([\w.-]+)[ \t]*:", braces[3]))
    return {
        path[-1]
        for other, _, path, _ in _entries(lines)
        if other != number and path[:-1] == outer
    }


def _key(info: FieldInfo, cursor: _Cursor) -> types.CompletionItem:
    default = scalar_text(info.default) if info.has_default and not info.fields else ""
    name = text = info.path[-1]
    if not cursor.has_colon:
        rest = f"\n{'  ' * len(info.path)}" if info.fields else f" {default}"
        text = f"{name}:{rest}"
    kinds = types.CompletionItemKind
    return types.CompletionItem(
        name,
        kind=kinds.Module if info.fields else kinds.Property,
        detail=default,
        documentation=info.description,
        insert_text=text,
    )


def _values(info: FieldInfo | None) -> Iterator[types.CompletionItem]:
    for value in info.values() if info and not info.fields else ():
        is_default = info is not None and info.has_default and value == info.default
        yield types.CompletionItem(
            scalar_text(value),
            kind=types.CompletionItemKind.Value,
            detail="default" if is_default else None,
            preselect=is_default,
        )


def _specs(document: OpenDocument) -> Iterator[types.CompletionItem]:
    """Offer the published models, and the YAML files next to the document."""
    kinds = types.CompletionItemKind
    for name in published.names():
        yield types.CompletionItem(name, kind=kinds.Reference, detail="published")
    own = document.origin.path if document.origin else None
    files = itertools.islice(own.parent.glob("*.y*ml"), _MOST_FILES) if own else ()
    for name in sorted(path.name for path in files if path != own):
        yield types.CompletionItem(name, kind=kinds.File)
