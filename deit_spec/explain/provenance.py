"""Where a value of a spec is from: its own line, a spec that it extends, a default."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

from deit_spec.diagnostics import Span
from deit_spec.spec import Checked
from deit_spec.spec.field_names import SPEC
from deit_spec.yaml_source import Document


@dataclass(frozen=True, slots=True)
class Provenance:
    """A value; its place, None for a default; and the `extends` that led there."""

    value: object
    place: Span | None
    links: tuple[Span, ...] = ()


def trace(checked: Checked, path: tuple[str, ...]) -> Provenance | None:
    """Find where the value at a path is from; None where that is not known."""
    document = checked.document
    if document is None or not isinstance(document.value, Mapping):
        return None
    if document.doubtful(path):
        return None
    if path == ("extends",) and checked.links:
        # It is followed and gone once what it names is merged in.
        return Provenance(_text(checked.links[0]), checked.links[0])
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


def _text(span: Span) -> str:
    line = span.source.lines[span.line - 1]
    return line[span.column - 1 : span.end_column - 1].strip("\"'")


def _unwritten(checked: Checked, path: tuple[str, ...]) -> object:
    # The name of a spec that gives none is made from that of its file.
    if path == ("name",) and checked.spec is not None:
        return checked.spec.name
    return SPEC.default_of(path)
