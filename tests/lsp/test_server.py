"""The handlers of the server, called in this process; a process is in test_process."""

from pathlib import Path

import pytest
from lsprotocol import types
from lsprotocol.types import PositionEncodingKind as Kind
from pytest_regressions.file_regression import FileRegressionFixture
from support.commands import SPECS
from support.editor import Editor

from deit_spec.lsp import server
from deit_spec.lsp.open_document import OpenDocument, Text
from deit_spec.spec import check_text

WHOLE = types.Range(types.Position(0, 0), types.Position(99, 0))
COMPOSE = """\
name: shop
services:
  web:
    image: nginx
    depends_on: [db]
volumes: {data: {}}
"""


@pytest.fixture(autouse=True)
def short_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "DELAY", 0.01)


def location(where: types.Range) -> tuple[int, int, int, int]:
    start, end = where.start, where.end
    return start.line, start.character, end.line, end.character


def test_diagnostics_follow_changes(tmp_path: Path) -> None:
    path, editor = tmp_path / "a.yaml", Editor()
    (found,) = editor.open(path, "embed_dim: 770\n")
    assert (found.code, found.source) == ("DS203", "deit-spec")
    assert found.severity is types.DiagnosticSeverity.Error
    assert location(found.range) == (0, 11, 0, 14)
    assert "\nhelp: " in found.message
    assert editor.change(path, "embed_dim: 768\n") == []
    (found,) = editor.change(path, "dept: 3\nembed_dim: 768\n")
    assert found.code == "DS101"
    (found,) = editor.change(path, "num_classes: 5\n")
    assert found.severity is types.DiagnosticSeverity.Information
    (found,) = editor.change(path, "depth: 2\ntaps: [blocks.1, blocks.2]\n")
    assert (found.code, location(found.range)) == ("DS302", (1, 17, 1, 25))
    assert editor.close(path) == []


def test_only_the_newest_version_is_published() -> None:
    """A delayed validation can be of a document that was changed or closed."""
    editor = Editor()
    texts = [Text(f"{key}: 3\n", editor.codec) for key in ("dept", "deph")]
    old, new = (OpenDocument("file:///a.yaml", text) for text in texts)
    editor.server.documents[new.uri] = new
    editor.server.publish(old)
    assert editor.published == {}
    editor.server.publish(new)
    (found,) = editor.published.pop(new.uri)
    assert "`deph`" in found.message
    del editor.server.documents[new.uri]
    editor.server.publish(new)
    assert editor.published == {}


@pytest.mark.parametrize(
    ("encodings", "end"),
    [(None, 12), ([Kind.Utf16], 12), ([Kind.Utf8, Kind.Utf16], 15), ([Kind.Utf32], 11)],
)
def test_columns_in_the_units_of_the_client(
    encodings: list[Kind | str] | None, end: int, tmp_path: Path
) -> None:
    r"""After emoji, `\r\n`, and characters that only YAML treats as line breaks."""
    path, editor = tmp_path / "a.yaml", Editor(encodings=encodings)
    text = '# \u2028# \x85\r\n{name: "😀é", deph: 12}\r\n'
    name, key = editor.open(path, text)
    assert (name.code, location(name.range)) == ("DS107", (1, 7, 1, end))
    assert (key.code, location(key.range)) == ("DS101", (1, end + 2, 1, end + 6))
    (key,) = editor.change(path, text.replace('"😀é"', "b"))
    assert location(key.range) == (1, 10, 1, 14)


def test_a_spec_that_extends_another(tmp_path: Path) -> None:
    base, path = tmp_path / "base.yaml", tmp_path / "sub" / "a.yaml"
    path.parent.mkdir()
    base.write_text("# 😀\nembed_dim: 770 # 😀\n", encoding="utf-8")
    editor = Editor()
    (found,) = editor.open(path, "depth: 3\nextends: ../base.yaml\n")
    assert found.code == "DS203"
    assert location(found.range) == (1, 9, 1, 21)
    assert "base.yaml:2:12" in found.message
    assert found.related_information is not None
    locations = {
        (Path(each.location.uri).name, *location(each.location.range))
        for each in found.related_information
    }
    assert ("base.yaml", 1, 11, 1, 14) in locations
    base.write_text("embed_dim: 192\n", encoding="utf-8")
    editor.save(base)
    assert editor.published[path.as_uri()] == []
    assert "Extends `../base.yaml`." in editor.hover(path, 1, 2)


def test_hover(file_regression: FileRegressionFixture) -> None:
    path, editor = SPECS / "tiny.yaml", Editor()
    text = path.read_text(encoding="utf-8")
    assert editor.open(path, text) == []
    lines = text.splitlines()
    shown = [editor.hover(path, line, 4) for line in range(len(lines))]
    pairs = zip(lines, shown, strict=True)
    file_regression.check(
        "\n".join(f"{line}\n{'=' * len(line)}\n{page}\n" for line, page in pairs)
    )


def test_hover_in_a_text_with_errors(tmp_path: Path) -> None:
    path, editor = tmp_path / "a.yaml", Editor()
    editor.open(path, "depth: 3\nembed_dim 5\nnope: 1\n")
    assert "transformer blocks" in editor.hover(path, 0, 2)
    assert editor.hover(path, 2, 1) == ""
    assert editor.hover(path, 9, 9) == ""
    assert editor.hover(tmp_path / "closed.yaml", 0, 0) == ""


def test_completion(tmp_path: Path) -> None:
    path, editor = tmp_path / "a.yaml", Editor()
    editor.open(path, "depth: 3\nvariant:\n  in\nembed_dim: 5\n")
    items = {item.label: item for item in editor.complete(path, 2, 4)}
    edit = items["init"].text_edit
    assert isinstance(edit, types.TextEdit)
    assert (edit.new_text, location(edit.range)) == ("init: deit", (2, 2, 2, 4))
    assert editor.complete(tmp_path / "closed.yaml", 0, 0) == []


BROKEN = "# 😀\ndeph: 12.0\nvariant: {qkv_bias: yes}\nextends: deit_tiny_patch16_224\n"


def test_quick_fix(tmp_path: Path) -> None:
    path, editor = tmp_path / "a.yaml", Editor()
    text, rounds = BROKEN, 0
    diagnostics = editor.open(path, text)
    while diagnostics:
        (action, *_) = editor.actions(path, diagnostics[0].range, "quickfix")
        assert [*(action.diagnostics or [])] == [diagnostics[0]]
        assert action.is_preferred
        text = editor.apply(path, text, action)
        diagnostics = editor.change(path, text)
        rounds += 1
    assert rounds == 3
    assert check_text(text.encode(), "a.yaml").diagnostics == ()
    assert editor.actions(path, WHOLE) == []


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_fix_all(mark: str, tmp_path: Path) -> None:
    """It has the same result as `validate --fix`."""
    path, editor = tmp_path / "a.yaml", Editor()
    text = mark + BROKEN.replace("\n", "\r\n")
    editor.open(path, text)
    (action,) = editor.actions(path, WHOLE, "source.fixAll")
    assert action.kind == "source.fixAll.deit-spec"
    fixed = editor.apply(path, text, action)
    assert fixed == text.replace("deph: 12.0", "depth: 12").replace("yes", "true")


def test_kinds_of_actions(tmp_path: Path) -> None:
    path, editor = tmp_path / "a.yaml", Editor()
    editor.open(path, BROKEN)
    for only, count in [("quickfix", 2), ("source", 1), ("refactor", 0)]:
        assert len(editor.actions(path, WHOLE, only)) == count
    assert len(editor.actions(path, WHOLE)) == 3
    nowhere = types.Range(types.Position(0, 0), types.Position(0, 1))
    assert editor.actions(path, nowhere, "quickfix") == []
    assert editor.actions(tmp_path / "closed.yaml", WHOLE) == []


def test_fixes_of_a_base_spec_are_not_offered(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("depth: 3\ndepth: 3\n")
    path, editor = tmp_path / "a.yaml", Editor()
    (found,) = editor.open(path, "extends: base.yaml\n")
    assert found.code == "DS003"
    assert editor.actions(path, WHOLE) == []


def test_a_recipe(tmp_path: Path) -> None:
    """Errors in its spec are shown at the line that refers to it."""
    path, editor = tmp_path / "recipe.yaml", Editor()
    text = "student: {spec: bad.yaml}\ndata: {dataset: x}\nloss: {knid: none}\n"
    (tmp_path / "bad.yaml").write_text("num_heads: 7\nnum_classes: 10\n")
    found = editor.open(path, text)
    codes = {(one.code, one.range.start.line) for one in found}
    assert {("DS203", 0), ("DS101", 2)} <= codes
    assert "**student.spec**" in editor.hover(path, 0, 12)
    assert "hard" not in [item.label for item in editor.complete(path, 2, 10)]
    assert "alpha" in [item.label for item in editor.complete(path, 2, 7)]
    editor.change(path, text.replace("knid: none", "kind: "))
    labels = [item.label for item in editor.complete(path, 2, 13)]
    assert labels == ["none", "soft", "hard"]


def test_a_study(tmp_path: Path) -> None:
    path, editor = tmp_path / "study.yaml", Editor()
    found = editor.open(path, "recipe: nowhere.yaml\nseeds: [0]\narms: {a: {}}\n")
    assert found
    assert editor.hover(path, 0, 2) == ""
    assert editor.complete(path, 3, 0) == []


@pytest.mark.parametrize(
    "text",
    [
        COMPOSE,
        "version: '3'\nservices: {web: {image: nginx}}\nextends: {}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n",
        "- repo: x\n",
        "data: {path: x}\noptimizer: {name: adam}\n",
        "name: CI\non: push\njobs: {test: {}}\n",
    ],
)
def test_other_yaml_files_are_ignored(text: str, tmp_path: Path) -> None:
    path, editor = tmp_path / "docker-compose.yml", Editor()
    assert editor.open(path, text) == []
    lines = text.splitlines()
    assert not any(editor.hover(path, line, 1) for line in range(len(lines)))
    positions = [(len(lines), 0), *((n, len(line)) for n, line in enumerate(lines))]
    if not text.startswith("-"):
        assert not any(editor.complete(path, *each) for each in positions)
    assert editor.actions(path, WHOLE) == []


def test_an_empty_document(tmp_path: Path) -> None:
    """It has no diagnostics, but it can become a spec."""
    path, editor = tmp_path / "a.yaml", Editor()
    assert editor.open(path, "") == []
    assert "depth" in [item.label for item in editor.complete(path, 0, 0)]
    editor.open(path, "name: small\n")
    assert "depth" in [item.label for item in editor.complete(path, 1, 0)]
