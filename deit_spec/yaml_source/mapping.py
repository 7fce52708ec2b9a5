"""Python mappings to documents, with a text that diagnostics can show."""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from deit_spec.diagnostics import Source
from deit_spec.yaml_source.document import (
    NESTING_DEPTH,
    Document,
    Entry,
    Path,
    Positions,
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
    writer.root(root)
    positions = Positions(Source(name, "".join(writer.parts)))
    spans = {
        path: Entry(positions, place.key, place.value)
        for path, place in writer.places.items()
    }
    return Document(root, spans, positions.source)


class _Place(NamedTuple):
    """The offsets of a key and of its value."""

    key: tuple[int, int]
    value: tuple[int, int]


class _Writer:
    """Writes mappings with one key per line; inside a list, all on one line."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.places: dict[Path, _Place] = {}
        self._offset = 0

    def root(self, value: object) -> None:
        """Write the whole value."""
        if type(value) is dict:
            place = self._block(value, ()) if value else (0, 0)
        else:
            place = self._put(scalar_text(value))
        self.places[()] = _Place(place, place)

    def _block(self, value: dict[Any, object], path: Path) -> tuple[int, int]:
        start = end = None
        for name, item in value.items():
            self._put("  " * len(path))
            child, key = self._key(name, path)
            start = key[0] if start is None else start
            place = self._block_item(item, child)
            self.places[child] = _Place(key, place)
            end = place[1]
        return start or 0, end or 0

    def _block_item(self, item: object, path: Path) -> tuple[int, int]:
        if _is_nested(item, dict, path) and item:
            self._put("\n")
            return self._block(cast("dict[Any, object]", item), path)
        self._put(" ")
        place = self._flow(item, path)
        self._put("\n")
        return place

    def _flow(self, value: object, path: Path) -> tuple[int, int]:
        if _is_nested(value, dict, path):
            return self._flow_mapping(cast("dict[Any, object]", value), path)
        if _is_nested(value, list, path):
            return self._flow_list(cast("list[object]", value), path)
        return self._put(scalar_text(value))

    def _flow_mapping(self, value: dict[Any, object], path: Path) -> tuple[int, int]:
        start, _ = self._put("{")
        for index, (name, item) in enumerate(value.items()):
            self._put(", " if index else "")
            child, key = self._key(name, path)
            self._put(" ")
            self.places[child] = _Place(key, self._flow(item, child))
        return start, self._put("}")[1]

    def _flow_list(self, value: list[object], path: Path) -> tuple[int, int]:
        start, _ = self._put("[")
        for index, item in enumerate(value):
            self._put(", " if index else "")
            child = (*path, index)
            place = self._flow(item, child)
            self.places[child] = _Place(place, place)
        return start, self._put("]")[1]

    def _key(self, name: object, path: Path) -> tuple[Path, tuple[int, int]]:
        text = key_text(name)
        place = self._put(text)
        self._put(":")
        # Paths have strings and integers; hashing another key may raise.
        step = name if type(name) is str or type(name) is int else text
        return (*path, step), place

    def _put(self, text: str) -> tuple[int, int]:
        start = self._offset
        self.parts.append(text)
        self._offset += len(text)
        return start, self._offset


def _is_nested(value: object, kind: type, path: Path) -> bool:
    # Deeper values are not copied, and may contain themselves.
    return type(value) is kind and len(path) < NESTING_DEPTH


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
