"""The language server: requests, notifications, and the diagnostics it publishes."""

import asyncio
import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path

from deit_spec import published
from deit_spec.diagnostics import Diagnostic, Label, Severity, Source
from deit_spec.lsp import field_help
from deit_spec.lsp.open_document import OpenDocument, Text
from deit_spec.version import __version__

DELAY: Final = 0.1
"""Seconds without a change before a document is validated."""
QUICK_FIX: Final = types.CodeActionKind.QuickFix.value
FIX_ALL: Final = f"{types.CodeActionKind.SourceFixAll.value}.deit-spec"
_SEVERITIES: Final = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}


class Server(LanguageServer):
    """The server, and the newest version of each open document."""

    def __init__(self) -> None:
        full = types.TextDocumentSyncKind.Full
        super().__init__("deit-spec", __version__, text_document_sync_kind=full)
        self.documents: dict[str, OpenDocument] = {}
        self.is_shut_down = False

    def read(self, uri: str) -> OpenDocument:
        """Replace a document by its newest version."""
        found = self.workspace.get_text_document(uri)
        text = Text(found.source, found.position_codec)
        self.documents[uri] = document = OpenDocument(uri, text)
        return document

    def publish(self, document: OpenDocument) -> None:
        """Publish the diagnostics of a document if it is still the newest version."""
        if self.documents.get(document.uri) is not document:
            return
        found = [diagnostic(document, each) for each in document.diagnostics]
        version = self.workspace.get_text_document(document.uri).version
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(document.uri, found, version)
        )


server = Server()


def serve() -> int:
    """Serve one client over standard input and output; return the exit code."""
    stdout = sys.stdout.buffer
    # Other output would break the protocol.
    with contextlib.redirect_stdout(sys.stderr):
        server.start_io(sys.stdin.buffer, stdout)
    return 0 if server.is_shut_down else 1


@server.feature(types.SHUTDOWN)
def shutdown(ls: Server, _: None) -> None:
    """Prepare for the exit notification."""
    ls.is_shut_down = True


@server.feature(types.TEXT_DOCUMENT_DID_OPEN)
def did_open(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
    """Validate a document."""
    ls.publish(ls.read(params.text_document.uri))


@server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
def did_change(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
    """Validate a document again after a pause."""
    document = ls.read(params.text_document.uri)
    asyncio.get_running_loop().call_later(DELAY, ls.publish, document)


@server.feature(types.TEXT_DOCUMENT_DID_SAVE)
def did_save(ls: Server, _: types.DidSaveTextDocumentParams) -> None:
    """Validate every document again, because it may refer to the saved file."""
    for uri in [*ls.documents]:
        ls.publish(ls.read(uri))


@server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
def did_close(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
    """Forget a document and its diagnostics."""
    uri = params.text_document.uri
    ls.documents.pop(uri, None)
    ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))


@server.feature(types.TEXT_DOCUMENT_HOVER)
def hover(ls: Server, params: types.HoverParams) -> types.Hover | None:
    """Describe the field at the cursor."""
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return None
    return field_help.hover(document, document.text.offset(params.position))


@server.feature(
    types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=[" "])
)
def complete(ls: Server, params: types.CompletionParams) -> list[types.CompletionItem]:
    """Offer keys and values."""
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return []
    return field_help.complete(document, document.text.offset(params.position))


@server.feature(
    types.TEXT_DOCUMENT_CODE_ACTION,
    types.CodeActionOptions(code_action_kinds=[QUICK_FIX, FIX_ALL]),
)
def code_action(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    """Offer the fixes in a range, and all fixes at once."""
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return []
    where, only, found = params.range, params.context.only, list[types.CodeAction]()
    for each, fix in document.fixes if _is_wanted(QUICK_FIX, only) else ():
        shown = diagnostic(document, each)
        if shown.range.start <= where.end and where.start <= shown.range.end:
            span = document.text.span
            edits = [types.TextEdit(span(each.span), each.text) for each in fix.edits]
            edit = types.WorkspaceEdit(changes={document.uri: edits})
            action = types.CodeAction(fix.title, QUICK_FIX, [shown], edit=edit)
            action.is_preferred = True
            found.append(action)
    if document.fixes and _is_wanted(FIX_ALL, only):
        whole = document.text.range(0, len(document.text.text))
        text_edit = types.TextEdit(whole, document.fixed)
        edit = types.WorkspaceEdit(changes={document.uri: [text_edit]})
        found.append(types.CodeAction(title="fix all", kind=FIX_ALL, edit=edit))
    return found


def _is_wanted(kind: str, only: Sequence[str] | None) -> bool:
    return only is None or any(f"{kind}.".startswith(f"{k}.") for k in only if k)


def diagnostic(document: OpenDocument, found: Diagnostic) -> types.Diagnostic:
    """Convert a diagnostic; one in another file is shown at the reference to it."""
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
        text = document.text if own else Text(source.text, document.text.codec)
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
