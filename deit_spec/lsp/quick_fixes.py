"""Diagnostics and code actions of the protocol."""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Final

from lsprotocol import types
from pygls.uris import from_fs_path

from deit_spec import published
from deit_spec.diagnostics import Diagnostic, Label, Severity, Source
from deit_spec.lsp.open_document import OpenDocument

QUICK_FIX: Final = types.CodeActionKind.QuickFix.value
FIX_ALL: Final = f"{types.CodeActionKind.SourceFixAll.value}.deit-spec"
_SEVERITIES: Final = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}


def diagnostic(document: OpenDocument, found: Diagnostic) -> types.Diagnostic:
    """Convert a diagnostic.

    A diagnostic in another file is shown at the line that refers to that file.
    """
    labels = (found.primary, *found.secondary)
    own = [label for label in labels if label.span.source.name == document.name]
    here = own[0] if own else None
    others = [label for label in labels if label is not here]
    lines = [found.message]
    if here is not found.primary:
        lines.append(f"in {found.primary.span}")
    elif here.text:
        lines.append(here.text)
    lines += [f"note: {note}" for note in found.notes]
    lines += [f"help: {text}" for text in found.helps]
    return types.Diagnostic(
        range=document.text.span(here.span) if here else document.text.range(0, 0),
        message="\n".join(lines),
        severity=_SEVERITIES[found.severity],
        code=found.code,
        source="deit-spec",
        related_information=[*_related(document, others)],
    )


def _related(
    document: OpenDocument, labels: list[Label]
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
    """Return the URI of another spec; published specs are files of the package."""
    prefix, _, name = source.name.partition(":")
    file = published.file(name) if prefix == "published" else Path(source.name)
    uri: str | None = from_fs_path(str(file)) if isinstance(file, Path) else None
    return uri


def code_actions(
    document: OpenDocument, where: types.Range, only: Sequence[str] | None
) -> list[types.CodeAction]:
    """Offer the fixes in a range, and all fixes at once; `only` these kinds."""
    found = list[types.CodeAction]()
    for each, fix in document.fixes if _is_wanted(QUICK_FIX, only) else ():
        shown = diagnostic(document, each)
        if shown.range.start <= where.end and where.start <= shown.range.end:
            edits = [
                types.TextEdit(document.text.span(edit.span), edit.text)
                for edit in fix.edits
            ]
            found.append(
                types.CodeAction(
                    title=fix.title,
                    kind=types.CodeActionKind.QuickFix,
                    diagnostics=[shown],
                    is_preferred=True,
                    edit=_workspace_edit(document, edits),
                )
            )
    if document.fixes and _is_wanted(FIX_ALL, only):
        edits = [_difference(document)]
        found.append(
            types.CodeAction(
                title="fix all",
                kind=FIX_ALL,
                edit=_workspace_edit(document, edits),
            )
        )
    return found


def _is_wanted(kind: str, only: Sequence[str] | None) -> bool:
    return only is None or any(f"{kind}.".startswith(f"{k}.") for k in only if k)


def _difference(document: OpenDocument) -> types.TextEdit:
    """Replace only the part of the text that differs, so that the cursor stays."""
    before, after = document.text.text, document.fixed
    start = _common(before, after)
    tail = _common(before[start:][::-1], after[start:][::-1])
    where = document.text.range(start, len(before) - tail)
    return types.TextEdit(where, after[start : len(after) - tail])


def _common(one: str, other: str) -> int:
    """Return the length of the common prefix."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _workspace_edit(
    document: OpenDocument, edits: list[types.TextEdit]
) -> types.WorkspaceEdit:
    """Make an edit of this version; a client without versions reads `changes`."""
    version = types.OptionalVersionedTextDocumentIdentifier(
        document.uri, document.version
    )
    return types.WorkspaceEdit(
        changes={document.uri: edits},
        document_changes=[types.TextDocumentEdit(version, [*edits])],
    )
