"""An editor without a screen: a client of the language server in this process."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.workspace import PositionCodec

from deit_spec.lsp import server as module
from deit_spec.lsp.open_document import Text


class Editor:
    """Calls the handlers of a server, and keeps the diagnostics of each document."""

    def __init__(
        self,
        *,
        encodings: Sequence[types.PositionEncodingKind | str] | None = None,
        **capabilities: Any,
    ) -> None:
        self.server = module.Server()
        self.published: dict[str, list[types.Diagnostic]] = {}
        self.server.text_document_publish_diagnostics = self._publish  # type: ignore[method-assign]
        general = types.GeneralClientCapabilities(
            position_encodings=list(encodings) if encodings else None
        )
        document = types.TextDocumentClientCapabilities(**capabilities)
        client = types.ClientCapabilities(text_document=document, general=general)
        steps = self.server.protocol.lsp_initialize(types.InitializeParams(client))
        while True:
            try:
                next(steps)
            except StopIteration as end:
                encoding = end.value.capabilities.position_encoding
                break
        self.codec = PositionCodec(encoding)
        self.version = 0

    def _publish(self, params: types.PublishDiagnosticsParams) -> None:
        self.published[params.uri] = [*params.diagnostics]

    def open(self, path: Path, text: str) -> list[types.Diagnostic]:
        """Open a document; return its diagnostics."""
        self.version += 1
        item = types.TextDocumentItem(path.as_uri(), "yaml", self.version, text)
        self.server.workspace.put_text_document(item)
        module.did_open(self.server, types.DidOpenTextDocumentParams(item))
        return self.published[path.as_uri()]

    def change(self, path: Path, text: str) -> list[types.Diagnostic]:
        """Change a document; return its diagnostics after the delay."""
        self.version += 1
        version = types.VersionedTextDocumentIdentifier(self.version, path.as_uri())
        change = types.TextDocumentContentChangeWholeDocument(text)
        self.server.workspace.update_text_document(version, change)
        params = types.DidChangeTextDocumentParams(version, [change])

        async def send() -> None:
            module.did_change(self.server, params)
            await asyncio.sleep(module.DELAY * 1.2)

        asyncio.run(send())
        return self.published[path.as_uri()]

    def save(self, path: Path) -> None:
        """Report that a file was saved."""
        document = types.TextDocumentIdentifier(path.as_uri())
        module.did_save(self.server, types.DidSaveTextDocumentParams(document))

    def close(self, path: Path) -> list[types.Diagnostic]:
        """Close a document; return its remaining diagnostics."""
        document = types.TextDocumentIdentifier(path.as_uri())
        module.did_close(self.server, types.DidCloseTextDocumentParams(document))
        return self.published[path.as_uri()]

    def hover(self, path: Path, line: int, character: int) -> str:
        """Return what is shown at a position, which may be nothing."""
        found = module.hover(
            self.server, types.HoverParams(*_at(path, line, character))
        )
        if found is None:
            return ""
        assert isinstance(found.contents, types.MarkupContent)
        return found.contents.value

    def complete(
        self, path: Path, line: int, character: int
    ) -> list[types.CompletionItem]:
        """Return the completions at a position."""
        params = types.CompletionParams(*_at(path, line, character))
        return module.complete(self.server, params)

    def actions(
        self, path: Path, where: types.Range, *kinds: str
    ) -> list[types.CodeAction]:
        """Return the code actions for a range."""
        context = types.CodeActionContext([], only=[*kinds] or None)
        document = types.TextDocumentIdentifier(path.as_uri())
        params = types.CodeActionParams(document, where, context)
        return module.code_action(self.server, params)

    def apply(self, path: Path, text: str, action: types.CodeAction) -> str:
        """Apply an action to a text."""
        assert action.edit is not None
        before = Text(text, self.codec)
        assert action.edit.changes is not None
        edits = [
            (before.offset(e.range.start), before.offset(e.range.end), e.new_text)
            for e in action.edit.changes[path.as_uri()]
        ]
        for start, end, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
        return text


def _at(
    path: Path, line: int, character: int
) -> tuple[types.TextDocumentIdentifier, types.Position]:
    document = types.TextDocumentIdentifier(path.as_uri())
    return document, types.Position(line, character)
