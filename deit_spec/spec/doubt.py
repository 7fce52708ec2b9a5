"""What a spec does not say for sure, so that no rule speaks of it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from deit_spec.yaml_source import Document, Path

# What another spec may say something about, key by key.
_OPEN: Final[frozenset[Path]] = frozenset({(), ("variant",)})


def unread_below(document: Document) -> Document:
    """Doubt what a document has not written: what it extends was not read."""
    value = document.value
    variant = value.get("variant", {}) if isinstance(value, Mapping) else {}
    # What is written in the place of a mapping is wrong, whatever else there is.
    open_ = _OPEN if isinstance(variant, Mapping) else {()}
    return replace(document, doubts=document.doubts | open_, recovered=True)


def of_both(base: Document, document: Document) -> frozenset[Path]:
    """Doubt what either does, but for what stands above the other's doubt."""
    doubts = set(document.doubts)
    if () in doubts:
        doubts |= base.spans.keys() - document.spans.keys()
    doubts |= _unwritten(base.doubts, document)
    doubts |= _OPEN if () in base.doubts else base.doubts & _OPEN
    return frozenset(doubts)


def _unwritten(paths: Iterable[Path], document: Document) -> set[Path]:
    return {path for path in paths if path not in document.spans}
