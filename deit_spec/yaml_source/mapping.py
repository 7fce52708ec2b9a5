"""Python mappings to documents, with a text that diagnostics can show."""

from collections.abc import Mapping
from typing import Any

from deit_spec.diagnostics import Source
from deit_spec.yaml_source.document import (
    NESTING_DEPTH,
    Document,
    Entry,
    Path,
    Positions,
    Range,
)
from deit_spec.yaml_source.scalars import key_text, scalar_text


def document_from_mapping(
    value: Mapping[Any, Any], name: str = "<mapping>"
) -> Document:
    """Return a document with this value and a text for it, whatever its objects do."""
    root = _plain(value, NESTING_DEPTH)
    writer = _Writer()
    place = writer.write(root, ())
    places = {(): (place, place), **writer.places}
    positions = Positions(Source(name, "".join(writer.parts)))
    spans = {path: Entry(positions, *both) for path, both in places.items()}
    return Document(root, spans, positions.source)


class _Writer:
    """Writes a key a line; `places` has the ranges of keys and values."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.places: dict[Path, tuple[Range, Range]] = {}
        self._offset = 0

    def write(self, value: Any, path: Path) -> Range:
        """Write a value, and return its range."""
        # Deeper values are not copied, and may contain themselves.
        if type(value) not in (dict, list) or len(path) >= NESTING_DEPTH:
            return self._put(scalar_text(value))
        if not path and type(value) is dict:
            end = 0
            for key, item in value.items():
                end = self._item(key, item, path)[1]
                self._put("\n")
            return 0, end
        is_list = isinstance(value, list)
        start, _ = self._put("[" if is_list else "{")
        items = enumerate(value) if is_list else value.items()
        for number, (key, item) in enumerate(items):
            self._put(", " if number else "")
            if is_list:
                place = self.write(item, (*path, key))
                self.places[*path, key] = (place, place)
            else:
                self._item(key, item, path)
        return start, self._put("]" if is_list else "}")[1]

    def _item(self, name: object, value: object, path: Path) -> Range:
        text = key_text(name)
        key = self._put(text)
        self._put(": ")
        # Paths have strings and integers; hashing another key may raise.
        step = name if type(name) is str or type(name) is int else text
        place = self.write(value, (*path, step))
        self.places[*path, step] = (key, place)
        return place

    def _put(self, text: str) -> Range:
        start = self._offset
        self.parts.append(text)
        self._offset += len(text)
        return start, self._offset


def _plain(value: object, depth: int) -> object:
    """Copy mappings to dicts and lists to lists, down to a depth."""
    if depth == 0:
        return value
    try:
        if isinstance(value, Mapping):
            return {key: _plain(item, depth - 1) for key, item in value.items()}
        if isinstance(value, list):
            return [_plain(item, depth - 1) for item in value]
    except Exception:  # noqa: BLE001  -- a hostile object may raise anything
        return value
    return value
