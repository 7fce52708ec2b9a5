"""Where a value of a spec is from: its own line, a spec that it extends, a default."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

from deit_spec.diagnostics import Span
from deit_spec.source import Document
from deit_spec.spec import Checked
from deit_spec.spec.fields import default_of


@dataclass(frozen=True, slots=True)
class Provenance:
    """A value; its place, None for a default; and the `extends` that led there."""

    value: object
    place: Span | None
    links: tuple[Span, ...] = ()


def trace(checked: Checked, path: tuple[str, ...]) -> Provenance | None:
    """Find where the value at a path is from; None where the text gave no values."""
    document = checked.document
    if document is None or not isinstance(document.value, Mapping):
        return None
    if path not in document.spans:
        return Provenance(_unwritten(checked, path), None)
    place = document.spans[path].value
    above = takewhile(lambda link: link.source is not place.source, checked.links)
    return Provenance(_written(document, path), place, tuple(above))


def _written(document: Document, path: tuple[str, ...]) -> object:
    value = document.value
    for key in path:
        value = value[key] if isinstance(value, Mapping) else None
    return value


def _unwritten(checked: Checked, path: tuple[str, ...]) -> object:
    # The name of a spec that gives none is made from that of its file.
    if path == ("name",) and checked.spec is not None:
        return checked.spec.name
    return default_of(path)
