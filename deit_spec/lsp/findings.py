"""Findings as the protocol has them."""

from collections.abc import Iterator
from pathlib import Path

from lsprotocol import types
from pygls.uris import from_fs_path

from deit_spec import published
from deit_spec.diagnostics import Diagnostic, Label, Severity, Source
from deit_spec.lsp.document import Document

SOURCE = "deit-spec"
_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}


def diagnostics(document: Document, *, related: bool) -> list[types.Diagnostic]:
    """All findings on a document; `related` tells whether the client links places."""
    return [
        diagnostic(document, each, related=related)
        for each in document.checked.diagnostics
    ]


def diagnostic(
    document: Document, found: Diagnostic, *, related: bool
) -> types.Diagnostic:
    """A finding at its place.

    One in a spec that this one extends is at the line that does so.
    """
    labels = (found.primary, *found.secondary)
    own = [label for label in labels if label.span.source.name == document.name]
    here = own[0] if own else None
    others = [label for label in labels if label is not here]
    lines = [found.message, *_words(found, here)]
    if not related:
        lines += [f"{label.span}: {label.text}" for label in others]
    return types.Diagnostic(
        range=document.text.span(here.span) if here else document.text.range(0, 0),
        message="\n".join(lines),
        severity=_SEVERITIES[found.severity],
        code=found.code,
        source=SOURCE,
        related_information=[*_related(document, others)] if related else None,
    )


def _words(found: Diagnostic, here: Label | None) -> Iterator[str]:
    if here is not found.primary:
        yield f"in {found.primary.span}"
    elif here.text:
        yield here.text
    yield from (f"note: {note}" for note in found.notes)
    yield from (f"help: {text}" for text in found.helps)


def _related(
    document: Document, labels: list[Label]
) -> Iterator[types.DiagnosticRelatedInformation]:
    for label in labels:
        source = label.span.source
        own = source.name == document.name
        text = document.text if own else document.text.of(source.text)
        uri = document.uri if own else _uri(source)
        if uri is not None:
            location = types.Location(uri, text.span(label.span))
            yield types.DiagnosticRelatedInformation(location, label.text or "here")


def _uri(source: Source) -> str | None:
    """Where another spec is; a published one is in the package."""
    prefix, _, name = source.name.partition(":")
    file = published.file(name) if prefix == "published" else Path(source.name)
    uri: str | None = from_fs_path(str(file)) if isinstance(file, Path) else None
    return uri
