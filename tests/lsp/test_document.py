"""A version of a document is worked out once."""

from pathlib import Path

import pytest
from lsprotocol import types
from pygls.workspace import PositionCodec

from deit_spec.lsp import document as module
from deit_spec.lsp.actions import actions
from deit_spec.lsp.completion import complete
from deit_spec.lsp.document import Document
from deit_spec.lsp.hover import _SEEN, hover
from deit_spec.lsp.positions import Text
from deit_spec.pipeline import finish
from deit_spec.spec import check_spec, check_text
from deit_spec.spec.field_names import TOP
from deit_spec.yaml_source.document import FINDINGS


def opened(text: str, path: Path = Path("/nowhere/t.yaml")) -> Document:
    return Document(path.as_uri(), 1, Text(text, PositionCodec()))


def test_a_version_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    own = module.check_read
    monkeypatch.setattr(
        module, "check_read", lambda *args: calls.append(args) or own(*args)
    )
    document = opened("depth: 3\n")
    for offset in range(9):
        hover(document, offset)
    assert document.checked is document.checked
    assert document.graph is document.graph
    assert len(calls) == 1


def test_hover_measures_but_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Units are counted from the start of a line, and all may be on one."""
    keys = ", ".join(f"k{index}: {index}" for index in range(3_000))
    document = opened(f"{{{keys}, depth: 12}}\n")
    calls = []
    own = PositionCodec.client_num_units
    monkeypatch.setattr(
        PositionCodec,
        "client_num_units",
        lambda self, text: calls.append(text) or own(self, text),
    )
    found = hover(document, document.text.text.index("depth") + 1)
    assert found is not None
    assert found.range is not None
    assert len(calls) == len({"start", "end"})


def test_a_text_that_is_too_large_is_not_read() -> None:
    document = opened("depth: 1\n" * 10_000)
    assert [found.code for found in document.checked.diagnostics] == ["DS008"]
    assert hover(document, 0) is None
    assert complete(document, len(document.text.text)) == []


def test_as_much_is_told_as_by_validate() -> None:
    text = "".join(f"{TOP[index % 7]}:12\n" for index in range(5_000))
    here, there = opened(text).checked, check_text(text.encode(), "t.yaml")
    told = [(each.code, each.message) for each in here.diagnostics]
    assert told == [(each.code, each.message) for each in there.diagnostics]
    assert len(told) == FINDINGS + 1


def test_a_version_is_mended_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Editors ask for actions whenever the cursor moves."""
    calls = []
    own = module.mend_text_as
    monkeypatch.setattr(
        module, "mend_text_as", lambda *args: calls.append(args) or own(*args)
    )
    document = opened("deph: 3\nembed_dims: 768\n")
    for line in range(2):
        where = types.Range(types.Position(line, 0), types.Position(line, 1))
        quick, everything = actions(document, where, None, related=False)
        assert (quick.is_preferred, everything.is_preferred) == (True, None)
        assert everything.title == "fix all that is certain"
    assert len(calls) == 1


def test_fixes_of_what_is_extended_are_not_offered(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("depth: 3\ndepth: 3\n")
    document = opened("extends: base.yaml\n", tmp_path / "a.yaml")
    assert [found.fix is None for found in document.checked.diagnostics] == [False]
    where = types.Range(types.Position(0, 0), types.Position(9, 0))
    assert actions(document, where, None, related=False) == []


def test_a_deep_model_is_not_laid_out() -> None:
    document = opened("depth: 512\n")
    assert document.graph is None
    found = hover(document, 0)
    assert found is not None
    assert "`depth: 512`, written here" in str(found.contents)


def test_a_document_without_a_file_is_checked() -> None:
    document = Document("untitled:Untitled-1", 1, Text("dept: 3\n", PositionCodec()))
    (found,) = document.checked.diagnostics
    assert str(found.primary.span) == "untitled:Untitled-1:1:1"


def test_the_layers_that_a_hover_names_are_those_of_models() -> None:
    """A table by hand; so each layer in it is that of some model."""
    switches = {"layer_scale": 0.1, "drop_path": 0.1}
    heads = {"num_classes": 5, "teacher_num_classes": 5}
    models = [
        {**heads, "dropout": 0.1, "variant": switches},
        {"num_classes": 5, "variant": {"readout": "mean_tokens"}},
    ]
    there = {path for model in models for path in finish(check_spec(model))}
    assert {path for paths in _SEEN.values() for path in paths} <= there
