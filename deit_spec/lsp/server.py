"""The server: which request is answered by what."""

import asyncio
import contextlib
import sys
from typing import ClassVar, Final

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from deit_spec.lsp import actions, completion, findings
from deit_spec.lsp import hover as hovering
from deit_spec.lsp.document import Document
from deit_spec.lsp.positions import Text
from deit_spec.version import __version__

DELAY: Final = 0.1
"""Seconds of rest after a change before it is checked."""


class Server(LanguageServer):
    """The server with the documents that are open.

    It keeps their texts itself: pygls breaks lines where the protocol does not.
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
        self.documents: dict[str, Document] = {}
        self.shutdown_asked = False

    @property
    def related(self) -> bool:
        """Whether the client shows related places."""
        asked = self.client_capabilities.text_document
        publish = asked.publish_diagnostics if asked else None
        return bool(publish and publish.related_information)

    @property
    def snippets(self) -> bool:
        """Whether the client takes snippets."""
        asked = self.client_capabilities.text_document
        item = asked.completion.completion_item if asked and asked.completion else None
        return bool(item and item.snippet_support)

    @property
    def versions(self) -> bool:
        """Whether the client takes edits that say of which version they are."""
        asked = self.client_capabilities.workspace
        edit = asked.workspace_edit if asked else None
        return bool(edit and edit.document_changes)

    def publish(self, document: Document) -> None:
        """Show what is found in a document, if it is still the newest version."""
        if self.documents.get(document.uri) is not document:
            return
        found = findings.diagnostics(document, related=self.related)
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(document.uri, found, document.version)
        )


server = Server()


def serve() -> int:
    """Serve one client over standard input and output; return the exit code."""
    stdout = sys.stdout.buffer
    # Whatever prints would break the protocol.
    with contextlib.redirect_stdout(sys.stderr):
        server.start_io(sys.stdin.buffer, stdout)
    return 0 if server.shutdown_asked else 1


@server.feature(types.SHUTDOWN)
def shutdown(ls: Server, _: None) -> None:
    """Note that an exit will be in order."""
    ls.shutdown_asked = True


@server.feature(types.TEXT_DOCUMENT_DID_OPEN)
def did_open(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
    """Check a document."""
    item = params.text_document
    text = Text(item.text, ls.workspace.position_codec)
    ls.documents[item.uri] = document = Document(item.uri, item.version, text)
    ls.publish(document)


@server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
def did_change(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
    """Check a document anew, once its writer rests."""
    uri, version = params.text_document.uri, params.text_document.version
    text = ls.documents[uri].text
    for change in params.content_changes:
        text = text.changed(change)
    ls.documents[uri] = document = Document(uri, version, text)
    asyncio.get_running_loop().call_later(DELAY, ls.publish, document)


@server.feature(types.TEXT_DOCUMENT_DID_SAVE)
def did_save(ls: Server, _: types.DidSaveTextDocumentParams) -> None:
    """Check what extends another spec, which may be the one that was saved."""
    for uri, old in [*ls.documents.items()]:
        if old.extends:
            ls.documents[uri] = document = Document(uri, old.version, old.text)
            ls.publish(document)


@server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
def did_close(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
    """Forget a document, and what was found in it."""
    uri = params.text_document.uri
    ls.documents.pop(uri, None)
    ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))


@server.feature(types.TEXT_DOCUMENT_HOVER)
def hover(ls: Server, params: types.HoverParams) -> types.Hover | None:
    """Explain the field under the cursor."""
    document = ls.documents.get(params.text_document.uri)
    if document is None or not document.is_spec:
        return None
    return hovering.hover(document, document.text.offset(params.position))


@server.feature(
    types.TEXT_DOCUMENT_COMPLETION,
    types.CompletionOptions(trigger_characters=[" ", "/"]),
)
def complete(ls: Server, params: types.CompletionParams) -> list[types.CompletionItem]:
    """Offer keys and values."""
    document = ls.documents.get(params.text_document.uri)
    if document is None or not document.is_spec:
        return []
    offset = document.text.offset(params.position)
    return completion.complete(document, offset, snippets=ls.snippets)


@server.feature(
    types.TEXT_DOCUMENT_CODE_ACTION,
    types.CodeActionOptions(code_action_kinds=list(actions.KINDS)),
)
def code_action(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    """Offer fixes."""
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return []
    only = params.context.only
    found = actions.actions(document, params.range, only, related=ls.related)
    return actions.versioned(found, document) if ls.versions else found
