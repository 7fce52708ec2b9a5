"""The server as an editor meets it: a process, and the protocol over its pipes."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from lsprotocol.types import PositionEncodingKind as Kind
from pygls.workspace import PositionCodec
from pytest_regressions.file_regression import FileRegressionFixture
from support.commands import SPECS
from support.editor import editor

from deit_spec.lsp.document import Document
from deit_spec.lsp.positions import Text
from deit_spec.lsp.server import Server
from deit_spec.spec import check_text, mend_text

Scenario = Callable[..., Awaitable[None]]
WHOLE = types.Range(types.Position(0, 0), types.Position(99, 0))
RELATED = types.PublishDiagnosticsClientCapabilities(related_information=True)


def scenario(test: Scenario) -> Callable[..., None]:
    """Run a test that is a coroutine."""

    @functools.wraps(test)
    def run(*args: Any, **options: Any) -> None:
        asyncio.run(test(*args, **options))

    return run


def place(where: types.Range) -> tuple[int, int, int, int]:
    start, end = where.start, where.end
    return start.line, start.character, end.line, end.character


def partial(*places: int, text: str) -> types.TextDocumentContentChangePartial:
    where = types.Range(types.Position(*places[:2]), types.Position(*places[2:]))
    return types.TextDocumentContentChangePartial(where, text)


@scenario
async def test_findings_follow_what_is_typed(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    async with editor() as client:
        (found,) = await client.open(path, "embed_dim: 770\n")
        assert (found.code, found.source) == ("DS203", "deit-spec")
        assert found.severity is types.DiagnosticSeverity.Error
        assert place(found.range) == (0, 11, 0, 14)
        assert found.message.splitlines() == [
            "embed_dim does not divide into num_heads",
            "770 = 12 × 64 + 2",
            "note: `num_heads` is 12 by default",
            (
                "help: `embed_dim: 768` or `embed_dim: 780`; "
                "with 770, `num_heads: 10`, `11` or `14`"
            ),
        ]
        assert await client.change(path, partial(0, 12, 0, 14, text="68")) == []
        # Two changes in one message: the second is in the text after the first.
        added = (partial(0, 0, 0, 0, text="\n"), partial(0, 0, 0, 0, text="dept: 3"))
        (found,) = await client.change(path, *added)
        assert found.code == "DS101"
        whole = types.TextDocumentContentChangeWholeDocument("num_classes: 5\n")
        (found,) = await client.change(path, whole)
        assert found.severity is types.DiagnosticSeverity.Information
        uri = path.as_uri()
        client.text_document_did_close(
            types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri))
        )
        assert not (await client.published.get()).diagnostics


def test_only_the_newest_version_is_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check may come due when its text was typed over, or closed."""
    published = list[types.PublishDiagnosticsParams]()
    monkeypatch.setattr(Server, "related", False)
    ls = Server()
    monkeypatch.setattr(ls, "text_document_publish_diagnostics", published.append)
    texts = [Text(f"{key}: 3\n", PositionCodec()) for key in ("dept", "deph")]
    old, new = (Document("file:///a.yaml", *each) for each in enumerate(texts))
    ls.documents[new.uri] = new
    ls.publish(old)
    assert published == []
    ls.publish(new)
    (params,) = published
    assert (params.uri, params.version) == (new.uri, 1)
    assert "`deph`" in params.diagnostics[0].message
    del ls.documents[new.uri]
    ls.publish(new)
    assert len(published) == 1


@pytest.mark.parametrize(
    ("encodings", "end"),
    [(None, 12), ([Kind.Utf16], 12), ([Kind.Utf8, Kind.Utf16], 15), ([Kind.Utf32], 11)],
)
@scenario
async def test_columns_in_the_units_of_the_client(
    encodings: list[Kind | str] | None, end: int, tmp_path: Path
) -> None:
    r"""Emoji before the place, `\r\n`, and what only YAML takes for line breaks."""
    path = tmp_path / "a.yaml"
    text = '# \u2028# \x85\r\n{name: "😀é", deph: 12}\r\n'
    async with editor(encodings=encodings) as client:
        name, key = await client.open(path, text)
        assert (name.code, place(name.range)) == ("DS107", (1, 7, 1, end))
        assert (key.code, place(key.range)) == ("DS101", (1, end + 2, 1, end + 6))
        (key,) = await client.change(path, partial(1, 7, 1, end, text="b"))
        assert place(key.range) == (1, 10, 1, 14)


@scenario
async def test_a_spec_that_extends_others(tmp_path: Path) -> None:
    base, path = tmp_path / "base.yaml", tmp_path / "sub" / "a.yaml"
    path.parent.mkdir()
    base.write_text("# 😀\nembed_dim: 770 # 😀\n", encoding="utf-8")
    text = "depth: 3\nextends: ../base.yaml\n"
    async with editor(publish_diagnostics=RELATED) as client:
        (found,) = await client.open(path, text)
        assert found.code == "DS203"
        assert place(found.range) == (1, 9, 1, 21)
        assert "base.yaml:2:12" in found.message
        assert found.related_information is not None
        places = {
            (Path(each.location.uri).name, *place(each.location.range))
            for each in found.related_information
        }
        assert ("base.yaml", 1, 11, 1, 14) in places
        base.write_text("embed_dim: 192\n", encoding="utf-8")
        client.text_document_did_save(
            types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(base.as_uri()))
        )
        assert await client.findings(path) == []
        assert "`embed_dim: 192`" not in await client.hover(path, 0, 2)
        assert "extends `../base.yaml`" in await client.hover(path, 1, 2)


@scenario
async def test_places_are_told_to_a_client_without_links(tmp_path: Path) -> None:
    async with editor() as client:
        text = "extends: deit_tiny_patch16_224\nteacher_num_classes: 5\n"
        (found,) = await client.open(tmp_path / "a.yaml", text)
        assert found.code == "DS206"
        assert found.related_information is None
        assert "published:deit_base_patch16_224:" in found.message


@scenario
async def test_hover(file_regression: FileRegressionFixture) -> None:
    path = SPECS / "tiny.yaml"
    text = path.read_text(encoding="utf-8")
    async with editor() as client:
        assert await client.open(path, text) == []
        lines = text.splitlines()
        shown = [await client.hover(path, line, 4) for line in range(len(lines))]
    pairs = zip(lines, shown, strict=True)
    pages = [f"{line}\n{'=' * len(line)}\n{words}\n" for line, words in pairs]
    file_regression.check("\n".join(pages))


@scenario
async def test_hover_where_there_is_no_yaml(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    async with editor() as client:
        await client.open(
            path, "depth: 3\nname: [\nvariant:\n  init: fan_in\nnope: 1\n"
        )
        assert "transformer blocks" in await client.hover(path, 0, 2)
        assert "**variant.init**" in await client.hover(path, 3, 4)
        assert await client.hover(path, 3, 0) == ""
        assert await client.hover(path, 4, 1) == ""
        assert await client.hover(path, 9, 9) == ""
        assert await client.hover(tmp_path / "closed.yaml", 0, 0) == ""


@scenario
async def test_completion(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    snippets = types.CompletionClientCapabilities(
        completion_item=types.ClientCompletionItemOptions(snippet_support=True)
    )
    async with editor(completion=snippets) as client:
        await client.open(path, "depth: 3\nvariant:\n  in\nembed_dim: [\n")
        items = {item.label: item for item in await client.complete(path, 2, 4)}
        edit = items["init"].text_edit
        assert isinstance(edit, types.TextEdit)
        assert (edit.new_text, place(edit.range)) == ("init: ${1:deit}", (2, 2, 2, 4))
        assert await client.complete(tmp_path / "closed.yaml", 0, 0) == []


BROKEN = "# 😀\ndeph: 12.0\nvariant: {qkv_bias: yes}\nextends: deit_tiny_patch16_224\n"


VERSIONS = types.WorkspaceClientCapabilities(
    workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True)
)


@pytest.mark.parametrize("workspace", [None, VERSIONS], ids=["plain", "versioned"])
@scenario
async def test_quick_fix(
    workspace: types.WorkspaceClientCapabilities | None, tmp_path: Path
) -> None:
    path = tmp_path / "a.yaml"
    async with editor(workspace=workspace) as client:
        text, rounds = BROKEN, 0
        findings = await client.open(path, text)
        while findings:
            (action, *_) = await client.actions(path, findings[0].range, "quickfix")
            assert action.edit is not None
            assert (action.edit.changes is None) == (workspace is not None)
            assert action.kind == types.CodeActionKind.QuickFix
            assert [*(action.diagnostics or [])] == [findings[0]]
            assert action.is_preferred
            text = client.apply(path, text, action)
            whole = types.TextDocumentContentChangeWholeDocument(text)
            findings = await client.change(path, whole)
            rounds += 1
        assert rounds == 3
        assert check_text(text.encode(), "a.yaml").diagnostics == ()
        assert await client.actions(path, WHOLE) == []


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@scenario
async def test_fix_all(mark: str, tmp_path: Path) -> None:
    """What the editor does is what `validate --fix` does."""
    path = tmp_path / "a.yaml"
    text = mark + BROKEN.replace("\n", "\r\n")
    async with editor() as client:
        await client.open(path, text)
        (action,) = await client.actions(path, WHOLE, "source.fixAll")
        assert action.kind == "source.fixAll.deit-spec"
        mended = client.apply(path, text, action)
    assert mended.encode() == mend_text(text.encode(), "a.yaml").after
    assert check_text(mended.encode(), "a.yaml").diagnostics == ()


@scenario
async def test_kinds_of_actions(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    async with editor() as client:
        await client.open(path, BROKEN)
        for only, count in [("quickfix", 2), ("source", 1), ("refactor", 0)]:
            assert len(await client.actions(path, WHOLE, only)) == count
        assert len(await client.actions(path, WHOLE)) == 3
        nowhere = types.Range(types.Position(0, 0), types.Position(0, 1))
        assert await client.actions(path, nowhere, "quickfix") == []
        assert await client.actions(tmp_path / "closed.yaml", WHOLE) == []


DEFECT = """
import sys
from deit_spec.lsp import server

def broken(*args, **options):
    print("printed")
    raise KeyError("impossible")

server.hovering.hover = broken
server.completion.complete = broken
server.Server.publish = lambda *args: broken()
sys.exit(server.serve())
"""


@scenario
async def test_a_defect_does_not_end_the_server(tmp_path: Path) -> None:
    """What fails is told; what is printed stays out of the protocol."""
    path = tmp_path / "a.yaml"
    async with editor("-c", DEFECT) as client:
        item = types.TextDocumentItem(path.as_uri(), "yaml", 1, "deph: 3\n")
        client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        with pytest.raises(Exception, match="KeyError: 'impossible'"):
            await client.hover(path, 0, 0)
        with pytest.raises(Exception, match="KeyError: 'impossible'"):
            await client.complete(path, 0, 0)
        assert len(await client.actions(path, WHOLE)) == 2
        assert len(client.shown) == 1


@scenario
async def test_a_recipe_is_no_wrong_spec(tmp_path: Path) -> None:
    """It is checked as a recipe; what it names is found at the line that does so."""
    path = tmp_path / "recipe.yaml"
    text = "student: {spec: bad.yaml}\ndata: {dataset: x}\nloss: {knid: none}\n"
    (tmp_path / "bad.yaml").write_text("num_heads: 7\nnum_classes: 10\n")
    async with editor() as client:
        found = await client.open(path, text)
        places = {(one.code, one.range.start.line) for one in found}
        assert places == {("DS203", 0), ("DS209", 0), ("DS101", 2)}
        assert await client.hover(path, 0, 2) == ""
