"""Python mappings to documents, with a text that diagnostics can show."""

from collections.abc import Mapping
from typing import Any, cast

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
    """Return a document with this value, and with a text for its spans.

    Mappings become dicts and lists are copied; other values are kept as they are.
    Never raises, whatever the objects do.
    """
    root = _plain(value, NESTING_DEPTH)
    writer = _Writer()
    place = writer.write(root, ()) if root or type(root) is not dict else (0, 0)
    places = {(): (place, place), **writer.places}
    positions = Positions(Source(name, "".join(writer.parts)))
    spans = {path: Entry(positions, *both) for path, both in places.items()}
    return Document(root, spans, positions.source)


class _Writer:
    """Writes mappings with one key per line; inside a list, all on one line.

    `places` has the ranges of each key and value.
    """

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.places: dict[Path, tuple[Range, Range]] = {}
        self._offset = 0

    def write(self, value: object, path: Path, *, in_line: bool = False) -> Range:
        """Write a value, and return its range."""
        # Deeper values are not copied, and may contain themselves.
        is_scalar = type(value) not in (dict, list) or len(path) >= NESTING_DEPTH
        if is_scalar:
            return self._put(scalar_text(value))
        if type(value) is dict and value and not in_line:
            return self._block(value, path)
        return self._flow(cast("dict[Any, object] | list[object]", value), path)

    def _block(self, value: dict[Any, object], path: Path) -> Range:
        # It starts at its first key, which is indented.
        start = end = self._put("\n" if path else "")[1] + 2 * len(path)
        for name, item in value.items():
            self._put("  " * len(path))
            child, key = self._key(name, path)
            is_block = type(item) is dict and item and len(child) < NESTING_DEPTH
            self._put("" if is_block else " ")
            place = self.write(item, child)
            self._put("" if is_block else "\n")
            self.places[child] = (key, place)
            end = place[1]
        return start, end

    def _flow(self, value: dict[Any, object] | list[object], path: Path) -> Range:
        is_list = isinstance(value, list)
        start, _ = self._put("[" if is_list else "{")
        items = enumerate(value) if isinstance(value, list) else value.items()
        for index, (name, item) in enumerate(items):
            self._put(", " if index else "")
            child, key = ((*path, index), None) if is_list else self._key(name, path)
            self._put(" " if key else "")
            place = self.write(item, child, in_line=True)
            self.places[child] = (key or place, place)
        return start, self._put("]" if is_list else "}")[1]

    def _key(self, name: object, path: Path) -> tuple[Path, Range]:
        text = key_text(name)
        place = self._put(text)
        self._put(":")
        # Paths have strings and integers; hashing another key may raise.
        step = name if type(name) is str or type(name) is int else text
        return (*path, step), place

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
