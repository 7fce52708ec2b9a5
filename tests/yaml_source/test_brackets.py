"""Which brackets are some, which are closed, and what stands between two commas."""

import pytest

from deit_spec.yaml_source.brackets import is_closed, last_open, outermost, value_around


@pytest.mark.parametrize(
    ("text", "opened"),
    [
        ("a: {b: [1", "["),
        ("a: {b: [1]", "{"),
        ("a: {b: [1]}", None),
        ("a: '{' ", None),
        ('a: "\\"{" # [', None),
        ("a: 1 # {\nb: [", "["),
        ("a: 1\t# {", None),
        ("a: b{c", None),
        ("a: it's {", "{"),
        ("a: }{", None),
        ("- [", "["),
        ("{", "{"),
        ("a: ${b", None),
        ("{a: ${b", "{"),
    ],
)
def test_the_last_bracket_that_is_open(text: str, opened: str | None) -> None:
    at = last_open(text)
    assert (None if at is None else text[at]) == opened


def test_what_is_open_up_to_an_offset() -> None:
    text = "a: {b: [1], c: 2}"
    assert last_open(text, text.index("1")) == text.index("[")
    assert last_open(text, text.index("2")) == text.index("{")


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("{a: 1}", True),
        ("{a: [1}", False),
        ("{a: [1]", False),
        ("{a: '}'", False),
        ("{a: 1 # }", False),
        ("{a: 1 # }\n}", True),
        ("{a: it's}", True),
        ("{a: 'it's'}", True),
        ("{a: ${b}, c: 1}", True),
        ("{a: ${b}, c: 1", False),
    ],
)
def test_whether_a_bracket_is_closed(text: str, *, closed: bool) -> None:
    assert is_closed(text, 0) == closed


@pytest.mark.parametrize(
    ("text", "stretches"),
    [
        ("a: {b: {c: 1}}, d: [2]", ["{b: {c: 1}}", "[2]"]),
        ("a: {b: 1\nc: 2", ["{b: 1\nc: 2"]),
        ("a: b", []),
        ("a: }", []),
        ("a: '{'\nb: {c: '}'}", ["{c: '}'}"]),
    ],
)
def test_the_outermost_brackets(text: str, stretches: list[str]) -> None:
    assert [text[start:end] for start, end in outermost(text)] == stretches


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{a: ${b^}, c: 1}", "${b}"),
        ("{a: 1, b: x ^y, c: 2}", "x y"),
        ("{a: [1, 2] ^3, b: 4}", "[1, 2] 3"),
        ("{a: 'b, c' ^d, e: 1}", "'b, c' d"),
        ('{"a":b ^c}', "b c"),
        ("{a: b ^c # d, e\n}", "b c"),
        ("{a: b ^c\n, d: 1}", "b c"),
        ("{a: b ^c\r\n, d: 1}", "b c"),
        ("[1, x ^y]", "x y"),
        ("{a: b:c ^d}", "b:c d"),
        ("{a: b ^c", "b c"),
        ("{a: b ^{c: 1, d: 2}, e: 3}", "b {c: 1, d: 2}"),
    ],
)
def test_the_value_around_an_offset(text: str, value: str) -> None:
    offset, text = text.index("^"), text.replace("^", "")
    start, end = value_around(text, 0, offset)
    assert text[start:end] == value
