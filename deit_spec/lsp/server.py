"""The language server: the requests and notifications that it handles."""

import asyncio
import contextlib
import sys
from typing import ClassVar, Final

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from deit_spec.lsp import field_help, quick_fixes
from deit_spec.lsp.open_document import OpenDocument, Text
from deit_spec.version import __version__

DELAY: Final = 0.1
"""Seconds without a change before a document is validated."""


class Server(LanguageServer):
    """The server and its open documents.

    The texts are not kept by pygls, which splits lines differently from the protocol.
    """

    _OWN: ClassVar = (
        types.TEXT_DOCUMENT_DID_OPEN,
        types.TEXT_DOCUMENT_DID_CHANGE,
        types.TEXT_DOCUMENT_DID_CLOSE,
    )

    def __init__(self) -> None:
        super().__init__("deit-spec", __version__)
        for method in self._OWN:
            del self.protocol.fm.builtin_features[method]
        self.documents: dict[str, OpenDocument] = {}
        self.is_shut_down = False

    @property
    def snippets(self) -> bool:
        """Whether the client accepts snippets."""
        client = self.client_capabilities.text_document
        completion = client.completion if client else None
        item = completion.completion_item if completion else None
        return bool(item and item.snippet_support)

    def publish(self, document: OpenDocument) -> None:
        """Publish the diagnostics of a document if it is still the newest version."""
        if self.documents.get(document.uri) is not document:
            return
        found = [
            quick_fixes.diagnostic(document, each) for each in document.diagnostics
        ]
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(document.uri, found, document.version)
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
    item = params.text_document
    text = Text(item.text, ls.workspace.position_codec)
    ls.documents[item.uri] = document = OpenDocument(item.uri, item.version, text)
    ls.publish(document)


@server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
def did_change(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
    """Validate a document again after a pause."""
    uri, version = params.text_document.uri, params.text_document.version
    text = ls.documents[uri].text
    for change in params.content_changes:
        text = text.changed(change)
    ls.documents[uri] = document = OpenDocument(uri, version, text)
    asyncio.get_running_loop().call_later(DELAY, ls.publish, document)


@server.feature(types.TEXT_DOCUMENT_DID_SAVE)
def did_save(ls: Server, _: types.DidSaveTextDocumentParams) -> None:
    """Validate the documents that may refer to the saved file."""
    for uri, old in [*ls.documents.items()]:
        if old.has_references:
            ls.documents[uri] = document = OpenDocument(uri, old.version, old.text)
            ls.publish(document)


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
    types.TEXT_DOCUMENT_COMPLETION,
    types.CompletionOptions(trigger_characters=[" ", "/"]),
)
def complete(ls: Server, params: types.CompletionParams) -> list[types.CompletionItem]:
    """Offer keys and values."""
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return []
    offset = document.text.offset(params.position)
    return field_help.complete(document, offset, snippets=ls.snippets)


@server.feature(
    types.TEXT_DOCUMENT_CODE_ACTION,
    types.CodeActionOptions(
        code_action_kinds=[quick_fixes.QUICK_FIX, quick_fixes.FIX_ALL]
    ),
)
def code_action(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    """Offer fixes."""
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return []
    return quick_fixes.code_actions(document, params.range, params.context.only)
