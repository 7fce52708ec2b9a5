"""A slip is read as it was meant, and what only looks like one is left alone."""

import pytest
from support.places import finding, place

from deit_spec.yaml_source import read_text

SLIPS = [
    ("a: 1\nb:12\nc: 2\n", ["2:1-5 `b: 12`"], {"a": 1, "b": 12, "c": 2}),
    ("b:12\n", ["1:1-5 `b: 12`"], {"b": 12}),
    (
        "b:12\nc:x # d\r\n",
        ["1:1-5 `b: 12`", "2:1-4 `c: x`"],
        {"b": 12, "c": "x"},
    ),
    ("b = 12\nc: 1\n", ["1:1-7 `b: 12`"], {"b": 12, "c": 1}),
    ("b=12\nc 1\n", ["1:1-5 `b: 12`", "2:1-4 `c: 1`"], {"b": 12, "c": 1}),
    (
        "a:\n  b: 1\n  c:2\nd: 3\n",
        ["3:3-6 `c: 2`"],
        {"a": {"b": 1, "c": 2}, "d": 3},
    ),
    (
        "a:\n\tb: 1\n\tc: 2\n",
        ["2:1-2 use spaces in place of tabs"],
        {"a": {"b": 1, "c": 2}},
    ),
    (
        "a:\n\t# d\n \t\r\n\tb: 1\n\t\n \t# d\n c: 2\n",
        ["2:1-2 use spaces in place of tabs"],
        {"a": {"b": 1, "c": 2}},
    ),
    ("a:\n\t# d\n  b: 1\n", ["2:1-2 use spaces in place of tabs"], {"a": {"b": 1}}),
]


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(("text", "helps", "value"), SLIPS)
def test_a_slip_is_read_as_it_was_meant(
    text: str, helps: list[str], value: object
) -> None:
    document, problems = read_text(text, "a.yaml", "abcd".__contains__)
    assert {problem.code for problem in problems} == {"DS001"}
    spans = [problem.primary.span for problem in problems]
    assert helps == [
        f"{span.line}:{span.column}-{span.end_column} {problem.helps[0]}"
        for span, problem in zip(spans, problems, strict=True)
    ]
    assert document is not None
    assert document.value == value


def test_places_after_a_slip_are_those_of_the_text() -> None:
    document, problems = read_text(
        "a=12 # x\nb:13\nb: 1\nc: 2\n", "a.yaml", "abc".__contains__
    )
    assert document is not None
    assert [finding(problem) for problem in problems] == [
        ("DS001", 1, 1, 1, 5),
        ("DS001", 2, 1, 2, 5),
        ("DS003", 3, 1, 3, 2),
    ]
    assert place(document.spans["a",].value) == (1, 3, 1, 5)
    assert place(document.spans["b",].value) == (2, 3, 2, 5)
    assert place(document.spans["c",].value) == (4, 4, 4, 5)


STOP = "x: [1,, 2]\n"
LOOKALIKES = [
    ("a: |\n  b:1\n", "in a block"),
    ("a: >-\n\tb 1\n  c=2\n", "in a folded block"),
    ("a: 'b\n  c:1'\n", "in quotes"),
    ('a: "\n\tb:1\n"\n', "in double quotes, behind a tab"),
    ("a: |\n \t# x\n \t\nb: 1\n", "in a block, before a key"),
    ("a:\n  b: |2\n    \t# x\n\tc: 1\n", "in a block, before a tab"),
    ('a: "b\n\t# c\n\t# d"\nb: 1\n', "in quotes, like comments"),
    ("a: b\n  c:1\n", "on the second line of a text"),
    ("a: 1\n---\nb:1\n", "in a second document"),
    ("b:1#x\n", "before what is no comment"),
    ("pip install\n", "words that are no keys"),
    ("http://a/b\n", "an address"),
]


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("text", [text for text, _ in LOOKALIKES])
@pytest.mark.parametrize("slip", ["", "c:2\n", "b 3\n"])
def test_what_only_looks_like_a_slip_is_left_alone(text: str, slip: str) -> None:
    """A slip beside it, or a mistake, makes no slip of it."""
    offset = len(slip)
    for whole in (slip + text, slip + text + STOP, slip + STOP + text):
        for problem in read_text(whole, "a.yaml", "abc".__contains__)[1]:
            edits = problem.fix.edits if problem.fix else ()
            for edit in edits:
                assert edit.span.line == 1
                assert edit.span.end_column <= offset


def test_a_mistake_is_not_read_as_a_slip_elsewhere() -> None:
    [problem] = read_text("a: [1,, 2]\nb:1\n", "a.yaml", "ab".__contains__)[1]
    assert place(problem.primary.span) == (1, 7, 1, 8)
