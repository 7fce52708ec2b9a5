"""An editor without a screen: a client of `deit-spec lsp` over its pipes."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient
from pygls.workspace import PositionCodec

from deit_spec.lsp.positions import Text

SECONDS = 60
COMMAND = ("-m", "deit_spec", "lsp", "--stdio")


class Editor(LanguageClient):
    """A client that keeps what the server publishes, by document and version."""

    def __init__(self) -> None:
        super().__init__("test", "0")
        self.published: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()
        self.shown: list[str] = []
        self.codec = PositionCodec()
        self.version = 0
        self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(
            lambda params: self.published.put_nowait(params)  # noqa: PLW0108  -- a method takes no marks
        )
        self.feature(types.WINDOW_SHOW_MESSAGE)(
            lambda params: self.shown.append(params.message)
        )

    async def open(self, path: Path, text: str) -> list[types.Diagnostic]:
        """Open a document, and wait for what is found in it."""
        self.version += 1
        self.text_document_did_open(
            types.DidOpenTextDocumentParams(
                types.TextDocumentItem(path.as_uri(), "yaml", self.version, text)
            )
        )
        return await self.findings(path)

    async def change(
        self, path: Path, *changes: types.TextDocumentContentChangeEvent
    ) -> list[types.Diagnostic]:
        """Change a document, and wait for what is found then."""
        self.version += 1
        document = types.VersionedTextDocumentIdentifier(self.version, path.as_uri())
        self.text_document_did_change(
            types.DidChangeTextDocumentParams(document, [*changes])
        )
        return await self.findings(path)

    async def findings(self, path: Path) -> list[types.Diagnostic]:
        """Wait for what is found in the newest version."""
        while True:
            async with asyncio.timeout(SECONDS):
                params = await self.published.get()
            if params.uri == path.as_uri() and params.version == self.version:
                return [*params.diagnostics]

    async def hover(self, path: Path, line: int, character: int) -> str:
        """What is shown at a place; nothing is an empty text."""
        found = await self.text_document_hover_async(
            types.HoverParams(*_at(path, line, character))
        )
        if found is None:
            return ""
        assert isinstance(found.contents, types.MarkupContent)
        return found.contents.value

    async def complete(
        self, path: Path, line: int, character: int
    ) -> list[types.CompletionItem]:
        """What is offered at a place."""
        found = await self.text_document_completion_async(
            types.CompletionParams(*_at(path, line, character))
        )
        assert isinstance(found, list)
        return found

    async def actions(
        self, path: Path, where: types.Range, *kinds: str
    ) -> list[types.CodeAction]:
        """What is offered to mend a range."""
        context = types.CodeActionContext([], only=[*kinds] or None)
        document = types.TextDocumentIdentifier(path.as_uri())
        found = await self.text_document_code_action_async(
            types.CodeActionParams(document, where, context)
        )
        actions = []
        for each in found or []:
            assert isinstance(each, types.CodeAction)
            actions.append(each)
        return actions

    def apply(self, path: Path, text: str, action: types.CodeAction) -> str:
        """The text after an action."""
        assert action.edit is not None
        before = Text(text, self.codec)
        edits = [
            (before.offset(e.range.start), before.offset(e.range.end), e.new_text)
            for e in self._edits(action.edit, path.as_uri())
        ]
        for start, end, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def _edits(self, edit: types.WorkspaceEdit, uri: str) -> list[types.TextEdit]:
        """The edits of a document, as the client said that it takes them."""
        if edit.changes is not None:
            assert list(edit.changes) == [uri]
            return list(edit.changes[uri])
        assert edit.document_changes is not None
        (change,) = edit.document_changes
        assert isinstance(change, types.TextDocumentEdit)
        assert change.text_document.uri == uri
        assert change.text_document.version == self.version
        return [each for each in change.edits if isinstance(each, types.TextEdit)]


@asynccontextmanager
async def editor(
    *command: str,
    encodings: list[types.PositionEncodingKind | str] | None = None,
    workspace: types.WorkspaceClientCapabilities | None = None,
    **capabilities: Any,
) -> AsyncIterator[Editor]:
    """Start the server, shake hands, and see that it ends with code 0."""
    client = Editor()
    await client.start_io(sys.executable, *(command or COMMAND))
    general = types.GeneralClientCapabilities(position_encodings=encodings)
    document = types.TextDocumentClientCapabilities(**capabilities)
    result = await client.initialize_async(
        types.InitializeParams(
            types.ClientCapabilities(workspace, document, general=general)
        )
    )
    client.codec = PositionCodec(result.capabilities.position_encoding)
    client.initialized(types.InitializedParams())
    yield client
    await client.shutdown_async(None)
    client.exit(None)
    process = client._server
    assert process is not None
    async with asyncio.timeout(SECONDS):
        assert await process.wait() == 0
    await client.stop()


def _at(
    path: Path, line: int, character: int
) -> tuple[types.TextDocumentIdentifier, types.Position]:
    document = types.TextDocumentIdentifier(path.as_uri())
    return document, types.Position(line, character)
