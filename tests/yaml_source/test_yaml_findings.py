"""Every finding has its code and its place, and none hides another."""

import pytest
from support.findings import Finding, finding, place

from deit_spec.yaml_source import read_bytes, read_text
from deit_spec.yaml_source.document import FILE_BYTES

GENERAL = "the text is not valid YAML here"


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    ("text", "findings", "value"),
    [
        ("a: 1\na: 2\n", [("DS003", 2, 1, 2, 2)], {"a": 1}),
        (
            "a: 1\n'a': 2\na: 3\n",
            [("DS003", 2, 1, 2, 4), ("DS003", 3, 1, 3, 2)],
            {"a": 1},
        ),
        ("a: {b: 1, b: 2}", [("DS003", 1, 11, 1, 12)], {"a": {"b": 1}}),
        (
            "a: 1\na: {b: 1, b: 2}",
            [("DS003", 2, 1, 2, 2), ("DS003", 2, 11, 2, 12)],
            {"a": 1},
        ),
        ("a: 1\n---\nb: 2\n", [("DS004", 2, 1, 2, 4)], {"a": 1}),
        ("---\n---\nb: 2\n", [("DS004", 2, 1, 2, 4)], {}),
        ("1: x\nb: 2", [("DS005", 1, 1, 1, 2)], {"b": 2}),
        ("true: x", [("DS005", 1, 1, 1, 5)], {}),
        ("null: x", [("DS005", 1, 1, 1, 5)], {}),
        ("1.5: x", [("DS005", 1, 1, 1, 4)], {}),
        ("[a]: b", [("DS005", 1, 1, 1, 4)], {}),
        ("{a: 1}: b", [("DS005", 1, 1, 1, 7)], {}),
        ("? - a\n: b", [("DS005", 1, 3, 1, 6)], {}),
        ("on: x", [], {"on": "x"}),
        ("a: !!python/name:os.system x", [("DS006", 1, 4, 1, 27)], {}),
        ("a: &b !foo [1]", [("DS006", 1, 4, 1, 8)], {}),
        ("!foo\na: 1", [("DS006", 1, 1, 1, 5)], {"a": 1}),
        ("!foo a: 1", [("DS006", 1, 1, 1, 5)], {}),
        ("a: !!binary aGk=", [("DS006", 1, 4, 1, 12)], {}),
        ("a: !!timestamp 2024-01-31", [("DS006", 1, 4, 1, 15)], {}),
        ("a: !<x:y> 1", [("DS006", 1, 4, 1, 10)], {}),
        ("a: !!int abc", [("DS006", 1, 4, 1, 9)], {}),
        ("a: !!int 1.5", [("DS006", 1, 4, 1, 9)], {}),
        ("a: !!bool yes", [("DS006", 1, 4, 1, 10)], {}),
        ("a: !!map 1", [("DS006", 1, 4, 1, 9)], {}),
        ("a: !!seq {}", [("DS006", 1, 4, 1, 9)], {}),
        ("a: !!set {b}", [("DS006", 1, 4, 1, 9)], {}),
        ("<<: {b: 1}\na: 2", [("DS007", 1, 1, 1, 3)], {"a": 2}),
        ("<<: *b\na: 2", [("DS007", 1, 1, 1, 3)], {"a": 2}),
        ('"<<": {b: 1}', [], {"<<": {"b": 1}}),
        ("a: &b 1", [], {"a": 1}),
        ("a: &b 1\nc: *b", [("DS008", 2, 4, 2, 6)], {"a": 1}),
        (
            "a: *b\n*c : 1\nd: 1\nd: 2",
            [("DS008", 1, 4, 1, 6), ("DS008", 2, 1, 2, 3), ("DS003", 4, 1, 4, 2)],
            {"d": 1},
        ),
        ("a: " + "9" * 101, [("DS008", 1, 4, 1, 105)], {}),
        ("a: " + "9" * 5000, [("DS008", 1, 4, 1, 5004)], {}),
        ("a: 0x" + "9" * 5000, [("DS008", 1, 4, 1, 5006)], {}),
        ("a: !!float " + "9" * 5000, [("DS008", 1, 4, 1, 5012)], {}),
        ("a: '" + "9" * 5000 + "'", [], {"a": "9" * 5000}),
        ("[" * 17 + "]" * 17, [("DS008", 1, 17, 1, 18)], None),
        (
            "a: 1\na: 2\nb: " + "{c: " * 16,
            [("DS003", 2, 1, 2, 2), ("DS008", 3, 64, 3, 65)],
            {"a": 1},
        ),
    ],
)
def test_findings(text: str, findings: list[Finding], value: object) -> None:
    document, problems = read_text(text, "a.yaml")
    assert sorted(map(finding, problems)) == sorted(findings)
    assert (document.value if document else None) == value


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("a: @b", (1, 4, 1, 5), "a value without quotes cannot start with `@`"),
        ("a: b: c", (1, 5, 1, 6), "unexpected `:`"),
        ("a: [1, 2", (1, 4, 1, 5), "`[` is not closed"),
        ("é: 1\nb c d\nd: 1", (2, 1, 2, 6), "`b c d` is not of the form `key: value`"),
        (
            "a: 1\n\tb: 1",
            (2, 1, 2, 2),
            "indented with a tab",
        ),
        ("漢: }", (1, 4, 1, 5), "unexpected `}`"),
        (
            "x: 1\r\n\r\ny: 'a",
            (3, 4, 3, 5),
            "unterminated string",
        ),
        (
            "%YAML 3.0\n---\na: 1",
            (1, 1, 1, 2),
            f"{GENERAL}: found incompatible YAML document",
        ),
        ("{a: 1}\nb: 2", (2, 1, 2, 2), "unexpected text after the end of the document"),
        ('a: "\\q"', (1, 5, 1, 6), "unknown escape sequence"),
        ("a: *", (1, 5, 1, 5), "expected a name after `*` or `&`"),
        ("%FOO\n---\na: 1", (1, 1, 1, 2), "unknown directive"),
        ("a: !x!y 1", (1, 4, 1, 5), f"{GENERAL}: found undefined tag handle"),
        ("a: b\x07", (1, 5, 1, 6), "the character U+0007 is not allowed in YAML"),
        ("é: 1\n漢\x00", (2, 2, 2, 3), "the character U+0000 is not allowed in YAML"),
        ("a: \ud800", (1, 4, 1, 5), "the character U+D800 is not allowed in YAML"),
    ],
)
def test_syntax_errors(text: str, at: tuple[int, int, int, int], message: str) -> None:
    _, problems = read_text(text, "a.yaml")
    assert [finding(problem) for problem in problems] == [("DS001", *at)]
    assert problems[0].message == message
    assert problems[0].helps


def test_findings_before_a_syntax_error_are_reported_with_it() -> None:
    text = "a: 1\na: 2\n1: !x y\nc: {d: 1}\ne: {f: 2,\n  g: [1,, 2]}\n"
    document, problems = read_text(text, "a.yaml")
    assert document is not None
    assert document.recovered
    assert document.value == {"a": 1, "c": {"d": 1}, "e": {"f": 2, "g": [1, 2]}}
    codes = [problem.code for problem in problems]
    assert codes == ["DS003", "DS005", "DS006", "DS001"]


def test_a_duplicate_points_at_the_first() -> None:
    _, [problem] = read_text("a: 1\nb: 1\na: 2\n", "a.yaml")
    assert problem.message == "the key `a` is written twice"
    [first] = problem.secondary
    assert first.text == "first written here"
    assert place(first.span) == (1, 1, 1, 2)


def test_the_help_for_a_merge_key_names_extends() -> None:
    _, [problem] = read_text("<<: {}", "a.yaml")
    assert "extends" in problem.helps[0]


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("text", ['"\\UFFFFFFFF"', "%YAML " + "9" * 5000 + ".1\n---\n"])
def test_numbers_out_of_range_are_syntax_errors(text: str) -> None:
    """PyYAML's own parser raises ValueError or OverflowError for these."""
    _, problems = read_text(text, "a.yaml")
    assert [problem.code for problem in problems] == ["DS001"]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[{"])
def test_depth_costs_nothing(opening: str) -> None:
    """Both parsers take seconds to minutes for these texts if they may."""
    text = opening * (FILE_BYTES // len(opening))
    document, problems = read_text(text, "a.yaml")
    assert document is None or document.value == {}
    assert len(problems) == 1


def test_size() -> None:
    exactly = b"a: " + b"b" * (FILE_BYTES - 3)
    assert read_bytes(exactly, "a.yaml")[1] == []
    for document, problems in (
        read_bytes(exactly + b"b", "a.yaml"),
        read_text("a: " + "é" * (FILE_BYTES // 2), "a.yaml"),
    ):
        assert document is None
        assert [finding(problem) for problem in problems] == [("DS008", 1, 1, 1, 1)]
        assert "65536 bytes" in problems[0].message


@pytest.mark.parametrize(
    ("data", "at"),
    [
        (b"\xff", (1, 1)),
        (b"a: b\nc: \xe9t\xe9\n", (2, 4)),
        ("é: 漢\r\n字".encode() + b"\x80", (2, 2)),
        ("\ufeffé".encode() + b"\xc3", (1, 2)),
        (b"a\xed\xa0\x80", (1, 2)),
    ],
)
def test_bytes_that_are_not_utf8(data: bytes, at: tuple[int, int]) -> None:
    document, [problem] = read_bytes(data, "a.yaml")
    assert document is None
    line, column = at
    assert finding(problem) == ("DS002", line, column, line, column + 1)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_are_named(encoding: str) -> None:
    document, [problem] = read_bytes("a: 1\n".encode(encoding), "a.yaml")
    assert document is None
    assert finding(problem) == ("DS002", 1, 1, 1, 1)
    assert problem.message == "the file is UTF-16 or UTF-32, not UTF-8"


@pytest.mark.parametrize(
    ("text", "recovered"),
    [
        ("a: 1\n", False),
        ("", False),
        ("a:1\nb: 2\n", True),
        ("a: 1\na: 2\n", True),
        ("a: *b\nc: 1\n", True),
        ("a: !!int x\n", True),
        ("a: [1\n", True),
    ],
)
def test_a_document_says_whether_it_was_recovered(
    text: str, *, recovered: bool
) -> None:
    document, problems = read_text(text, "a.yaml", {"a"}.__contains__)
    assert bool(problems) == recovered
    assert document is not None
    assert document.recovered == recovered
