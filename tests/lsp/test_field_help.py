"""Completion at the `|`, in texts that are rarely valid YAML."""

from pathlib import Path

import pytest
from lsprotocol import types
from pygls.workspace import PositionCodec
from support.published import PUBLISHED

from deit_spec import DeiTSpec, Variant
from deit_spec.lsp.field_help import complete
from deit_spec.lsp.open_document import OpenDocument, Text
from deit_spec.recipe.student_settings import Student
from deit_spec.spec import check_text

TOP = [*DeiTSpec.model_fields]
INNER = [*Variant.model_fields]


def offered(
    marked: str, path: Path = Path("/nowhere/t.yaml")
) -> list[types.CompletionItem]:
    offset, text = marked.index("|"), marked.replace("|", "", 1)
    document = OpenDocument(path.as_uri(), Text(text, PositionCodec()))
    return complete(document, offset)


def labels(marked: str) -> list[str]:
    return [item.label for item in offered(marked)]


def without(fields: list[str], *names: str) -> list[str]:
    return [name for name in fields if name not in names]


KEYS = {
    "|": TOP,
    "em|": TOP,
    "depth: 3\n|": without(TOP, "depth"),
    "depth: 3\n|\nnum_heads: 3\n": without(TOP, "depth", "num_heads"),
    "name: 'a\n|": without(TOP, "name"),
    "|th: 3\ndepth: 1\n": without(TOP, "depth"),
    "  depth: 3\n  |": without(TOP, "depth"),
    "\ufeff|": TOP,
    "variant:\n  |": INNER,
    "variant:\n  qk|": INNER,
    "variant: # switches\n\n  # more\n  init: deit\n  |": without(INNER, "init"),
    "variant:\n    init: deit\n    |\ndepth: 3\n": without(INNER, "init"),
    "variant:\r\n  init: deit\r\n  |\r\ndepth: 3\r\n": without(INNER, "init"),
    "variant:\n  init: deit\n|": without(TOP, "variant"),
    "variant: {|": INNER,
    "variant: {init: deit, |}": without(INNER, "init"),
    "variant: {init: deit, qkv|: true}": without(INNER, "init", "qkv"),
}
VALUES = {
    "variant:\n  fusion: |": ["mean_logits", "mean_softmax", "cls", "dist", "null"],
    "variant: {fusion: |}": ["mean_logits", "mean_softmax", "cls", "dist", "null"],
    "variant:\n  qkv_bias: t|": ["true", "false"],
    "depth: |": ["12", "24"],
    "num_classes: |": ["null", "1000"],
    "extends: |": [*PUBLISHED],
    'extends: "dei|"\n': [*PUBLISHED],
}
RECIPE = {
    "student:\n  |": list(Student.model_fields),
    "student:\n  spec: a.yaml\ndata: {builtin: |}\n": ["digits", "null"],
    "student: {spec: a.yaml}\nloss:\n  kind: |\n": ["none", "soft", "hard"],
    "student: {spec: |}\n": [*PUBLISHED],
    "student: {spec: a.yaml, |}\n": list(Student.model_fields)[1:],
}
NOTHING = [
    "# |",
    "depth: 3 # |",
    "depth:|",
    "depth:\n  |",
    "- |",
    "nope: |",
    "variant:\n  init:\n    |",
    "variant:\n  variant:\n    |",
    "fusion: |",
    "variant:\n  depth: |",
    "variant: |",
    "- variant: {|",
]


@pytest.mark.parametrize("marked", KEYS)
def test_keys_that_are_missing(marked: str) -> None:
    assert labels(marked) == KEYS[marked]


@pytest.mark.parametrize("marked", VALUES)
def test_values(marked: str) -> None:
    assert labels(marked) == VALUES[marked]


@pytest.mark.parametrize("marked", RECIPE)
def test_in_a_recipe(marked: str) -> None:
    assert labels(marked) == RECIPE[marked]


@pytest.mark.parametrize("marked", NOTHING)
def test_nothing(marked: str) -> None:
    assert offered(marked) == []


@pytest.mark.parametrize("marked", [*KEYS, *VALUES])
def test_the_inserted_text_replaces_the_word(marked: str) -> None:
    """The edit covers the whole word at the cursor, and nothing else."""
    offset, text = marked.index("|"), marked.replace("|", "", 1)
    before = Text(text, PositionCodec())
    for item in offered(marked):
        assert isinstance(item.text_edit, types.TextEdit)
        start = before.offset(item.text_edit.range.start)
        end = before.offset(item.text_edit.range.end)
        assert start <= offset <= end
        assert item.text_edit.new_text.startswith(item.label)
        around = text[start - 1 : start] + text[end : end + 1]
        assert not any(character.isalnum() for character in around)


def test_all_keys_with_their_defaults_make_a_spec() -> None:
    """All offered keys with their default values make the default spec."""
    top = [item.text_edit for item in offered("|")]
    inner = [item.text_edit for item in offered("variant:\n  |")]
    lines = [edit.new_text for edit in top if isinstance(edit, types.TextEdit)]
    lines = [line for line in lines if not line.startswith("variant")]
    lines[lines.index("name: ")] = "name: deit"
    text = "\n".join([*lines, "variant:"])
    for edit in inner:
        assert isinstance(edit, types.TextEdit)
        text += f"\n  {edit.new_text}"
    checked = check_text(text.encode(), "t.yaml")
    assert checked.spec == DeiTSpec()


def test_keys_come_with_documentation_and_default() -> None:
    by_name = {item.label: item for item in offered("|")}
    depth = by_name["depth"]
    assert depth.documentation == DeiTSpec.model_fields["depth"].description
    assert depth.detail == "12"
    assert isinstance(depth.text_edit, types.TextEdit)
    assert depth.text_edit.new_text == "depth: 12"


def test_an_impossible_file_name() -> None:
    offset = len("extends: ")
    text = Text("extends: ", PositionCodec())
    document = OpenDocument("file:///a%00b.yaml", text)
    assert {item.label for item in complete(document, offset)} == set(PUBLISHED)


def test_specs_next_to_the_document(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml", "own.yaml", "notes.md", "sub/c.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [item.label for item in offered("extends: |", tmp_path / "own.yaml")]
    assert found == [*PUBLISHED, "a.yaml", "b.yml"]
