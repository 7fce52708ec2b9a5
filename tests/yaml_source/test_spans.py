"""Where keys and values stand: columns from 1, in characters, ends exclusive."""

import pytest
from support.findings import Place, place

from deit_spec.yaml_source import Document, Path, read_bytes, read_text

pytestmark = pytest.mark.usefixtures("parser")


def read(text: str) -> Document:
    document, problems = read_text(text, "a.yaml")
    assert problems == []
    assert document is not None
    return document


@pytest.mark.parametrize(
    ("text", "path", "key", "value"),
    [
        ("a: 1", ("a",), (1, 1, 1, 2), (1, 4, 1, 5)),
        ("a:   b c  # d\n\n", ("a",), (1, 1, 1, 2), (1, 6, 1, 9)),
        ("a: 'b c' \n", ("a",), (1, 1, 1, 2), (1, 4, 1, 9)),
        ("é: 漢字\n", ("é",), (1, 1, 1, 2), (1, 4, 1, 6)),
        ("'😀 x': 1", ("😀 x",), (1, 1, 1, 6), (1, 8, 1, 9)),
        ("\ufeffa: 1", ("a",), (1, 1, 1, 2), (1, 4, 1, 5)),
        ("\ufeff\ufeffa: 1", ("a",), (1, 1, 1, 2), (1, 4, 1, 5)),
        ("a: '\t' # b", ("a",), (1, 1, 1, 2), (1, 4, 1, 7)),
        ("x: 1\r\na: 2\r\n", ("a",), (2, 1, 2, 2), (2, 4, 2, 5)),
        ("x: 1\ra: 2\r", ("a",), (2, 1, 2, 2), (2, 4, 2, 5)),
        ("x: 1 # \x85b: 3\na: 2", ("a",), (2, 1, 2, 2), (2, 4, 2, 5)),
        ("# \u2028x: 1\na: 2", ("a",), (2, 1, 2, 2), (2, 4, 2, 5)),
        ("x: 'b\u2029c'\na: 2", ("a",), (2, 1, 2, 2), (2, 4, 2, 5)),
        ("a: |\n  b\n\n  c\n\n# d\ne: 1", ("a",), (1, 1, 1, 2), (1, 4, 4, 4)),
        ("a: >-\r\n  b\r\n\r\ne: 1", ("a",), (1, 1, 1, 2), (1, 4, 2, 4)),
        ("a: b\n  c\n\ne: 1", ("a",), (1, 1, 1, 2), (1, 4, 2, 4)),
        ("a:\n  b: 1  # c\n\n# d\ne: 1", ("a",), (1, 1, 1, 2), (2, 3, 2, 7)),
        ("a:\n  b: 1\n\n  c:\n\ne: 1", ("a",), (1, 1, 1, 2), (2, 3, 4, 5)),
        ("a:\n- 1\n- 2 \n\ne: 1", ("a",), (1, 1, 1, 2), (2, 1, 3, 4)),
        ("a:\n- 1\n- 22\n", ("a", 1), (3, 3, 3, 5), (3, 3, 3, 5)),
        ("a: [1, {b: 2}]\n", ("a",), (1, 1, 1, 2), (1, 4, 1, 15)),
        ("a: [1, {b: 2}]\n", ("a", 1), (1, 8, 1, 14), (1, 8, 1, 14)),
        ("a: [1, {b: 2}]\n", ("a", 1, "b"), (1, 9, 1, 10), (1, 12, 1, 13)),
        ("a: [\n 1,\n]\ne: 1\n", ("a",), (1, 1, 1, 2), (1, 4, 3, 2)),
        ("a: {}\n", ("a",), (1, 1, 1, 2), (1, 4, 1, 6)),
        ("a:\n\nb: 1", ("a",), (1, 1, 1, 2), (1, 3, 1, 3)),
        ("? a\n\n\nb: 1", ("a",), (1, 3, 1, 4), (1, 4, 1, 4)),
        ("? a\n: 1", ("a",), (1, 3, 1, 4), (2, 3, 2, 4)),
        ("a: !!str 12 # b", ("a",), (1, 1, 1, 2), (1, 4, 1, 12)),
        ("a: &b 12", ("a",), (1, 1, 1, 2), (1, 4, 1, 9)),
        ("# a\n\na: 1\n\n", (), (3, 1, 3, 5), (3, 1, 3, 5)),
        ("--- # b\na: 1\n...\n", (), (2, 1, 2, 5), (2, 1, 2, 5)),
        ("%YAML 1.1\n---\na: 1\n", ("a",), (3, 1, 3, 2), (3, 4, 3, 5)),
        ("[1]", (), (1, 1, 1, 4), (1, 1, 1, 4)),
        ("abc", (), (1, 1, 1, 4), (1, 1, 1, 4)),
    ],
)
def test_places(text: str, path: Path, key: Place, value: Place) -> None:
    entry = read(text).spans[path]
    assert (place(entry.key), place(entry.value)) == (key, value)


@pytest.mark.parametrize("text", ["", "\n\n", "# a\n", "---\n", "null", "~", "{}"])
def test_an_empty_text_is_an_empty_mapping(text: str) -> None:
    document = read(text)
    assert document.value == {}
    assert place(document.spans[()].value)[:2] == (1, 1)


def test_a_mark_of_byte_order_takes_no_column() -> None:
    document, problems = read_bytes("\ufeffa: é".encode(), "a.yaml")
    assert problems == []
    assert document is not None
    assert document.source.text == "a: é"


def test_nearest_is_the_entry_or_an_ancestor() -> None:
    document = read("a: 1\nb:\n  c: [2]\n")
    assert document.nearest(("b", "c", 0)) is document.spans["b", "c", 0]
    assert document.nearest(("b", "c", 7)) is document.spans["b", "c"]
    assert document.nearest(("b", "x", "y")) is document.spans["b",]
    assert document.nearest(("x",)) is document.spans[()]
