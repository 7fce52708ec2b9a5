"""A broken line is reported at its place, and the rest of the text is read."""

import json
from itertools import pairwise

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.findings import finding, place

from deit_spec.diagnostics import Diagnostic, Source, apply_fixes
from deit_spec.yaml_source import read_text
from deit_spec.yaml_source.composer import PARSER
from deit_spec.yaml_source.document import Positions
from deit_spec.yaml_source.recovery import Lines

KEYS = {"a", "b", "c", "d", "key"}

REPAIRED = [
    (
        "a: 1\nb:12\nc: 2\n",
        [(2, "missing space after `b:`")],
        {"a": 1, "b": 12, "c": 2},
    ),
    ("b:12\n", [(1, "missing space after `b:`")], {"b": 12}),
    (
        "b:12\nc:x # d\r\n",
        [(1, "missing space after `b:`"), (2, "missing space after `c:`")],
        {"b": 12, "c": "x"},
    ),
    ("a:{b: 1, c: 2}\n", [(1, "missing space after `a:`")], {"a": {"b": 1, "c": 2}}),
    (
        "b = 12\nc 1\n",
        [(1, "expected `:` after `b`, found `=`"), (2, "missing `:` after `c`")],
        {"b": 12, "c": 1},
    ),
    ("b := x\nc: 1\n", [(1, "expected `:` after `b`, found `:=`")], {"b": "x", "c": 1}),
    ('"b" -> 2\nc: 1\n', [(1, "expected `:` after `b`, found `->`")], {"b": 2, "c": 1}),
    ("a\n  b: 1\n", [(1, "missing `:` after `a`")], {"a": {"b": 1}}),
    ("a:\n\tb: 1\n\tc: 2\n", [(2, "indented with a tab")], {"a": {"b": 1, "c": 2}}),
    (
        "a:\n\t# d\n \t\r\n\tb: 1\n\t\n \t# d\n c: 2\n",
        [(2, "indented with a tab")],
        {"a": {"b": 1, "c": 2}},
    ),
    ("a: 1\n\tb: 2\n", [(2, "indented with a tab")], {"a": 1, "b": 2}),
    (
        "a: 1\n  b: 2\n  c: 3\nd: 4\n",
        [(2, "lines 2 to 3 are indented by 2 spaces, expected 0")],
        {"a": 1, "b": 2, "c": 3, "d": 4},
    ),
    (
        "a: 1\n  b:  # d\n  c: 2\n  d: 3\nkey: 4\n",
        [(2, "the line is indented by 2 spaces, expected 0")],
        {"a": 1, "b": {"c": 2, "d": 3}, "key": 4},
    ),
    (
        "a:\n   b: 1\n  c: 2\n",
        [(3, "the line is indented by 2 spaces, expected 3")],
        {"a": {"b": 1, "c": 2}},
    ),
    (
        " a: 1\n b:\n   c: 2\nd: 3\n",
        [(1, "lines 1 to 3 are indented by 1 space, expected 0")],
        {"a": 1, "b": {"c": 2}, "d": 3},
    ),
    ("a: 'b\nc: 1\n", [(1, "unterminated string")], {"a": "b", "c": 1}),
    ('{"a": "b,\n "c": 1}\n', [(1, "unterminated string")], {"a": "b", "c": 1}),
    ("a: {b: 1\nc: 2\n", [(1, "`{` is not closed")], {"a": {"b": 1}, "c": 2}),
    ("a: [1, 2", [(1, "`[` is not closed")], {"a": [1, 2]}),
    ("{a: 1}}\n", [(1, "unexpected `}`")], {"a": 1}),
    ("{a: 1},\n", [(1, "unexpected `,`")], {"a": 1}),
    ("a: 1\n}\n", [(2, "unexpected `}`")], {"a": 1}),
    ('{"a": 1\n "b": 2}\n', [(1, 'missing `,` before `"b"`')], {"a": 1, "b": 2}),
    ('{"a": 1 "b": 2}\n', [(1, 'missing `,` before `"b"`')], {"a": 1, "b": 2}),
    ('{"a": 1,, "b": 2}\n', [(1, "unexpected `,`")], {"a": 1, "b": 2}),
    ('{"a" 1, "b": 2}\n', [(1, 'missing `:` after `"a"`')], {"a": 1, "b": 2}),
    ('{"a" => 1}\n', [(1, 'missing `:` after `"a"`')], {"a": 1}),
]
"""Texts, the lines and messages of their findings, and their values. All have fixes."""

LEFT_OUT = [
    ("a: 1\nhello world\nc: 2\n", [(2, "of the form `key: value`")], {"a": 1, "c": 2}),
    ("b 1 2\nc: 2\n", [(1, "of the form `key: value`")], {"c": 2}),
    ("B x\nc: 2\n", [(1, "of the form `key: value`")], {"c": 2}),
    ("a:-1\nc: 2\n", [(1, "missing space after `a:`")], {"c": 2}),
    ("a: x: y: z\nc: 2\n", [(1, "unexpected `:`")], {"c": 2}),
    ("a:\n  foo: 1\n  bar\n  b: 1\n", [(3, "key: value")], {"a": {"foo": 1, "b": 1}}),
    ("a: @x\nc: 2\n", [(1, "cannot start with `@`")], {"c": 2}),
    ("a: 'x' y\nc: 2\n", [(1, "unexpected text")], {"c": 2}),
    ("a: 1 b: 2\nc: 3\n", [(1, "unexpected `:`")], {"c": 3}),
    ("// c\na: 1\n", [(1, "of the form `key: value`")], {"a": 1}),
    ("{a: 1,\n b: 2]\n", [(2, "expected `}`, found `]`")], {"a": 1}),
    ("{a: 1}\nc: 2\n", [(2, "after the end of the document")], {"a": 1}),
    (
        "a: 1\n<<<<<<< x\nb: 1\n=======\nb: 2\n>>>>>>> y\n",
        [(2, "key: value"), (4, "key: value"), (5, "twice"), (6, "key: value")],
        {"a": 1, "b": 1},
    ),
    ("a: *b\nc:1\n", [(1, "aliases are not supported"), (2, "space")], {"c": 1}),
]
"""Texts with lines that are left out, or without a certain meaning."""


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    ("text", "findings", "value"),
    [case for case in REPAIRED if "`,`" not in case[1][0][1]],
)
def test_a_common_mistake_is_repaired_and_fixed(
    text: str, findings: list[tuple[int, str]], value: object
) -> None:
    check_repaired(text, findings, value)


@pytest.mark.parametrize(
    ("text", "findings", "value"),
    [case for case in REPAIRED if "`,`" in case[1][0][1]],
)
def test_a_wrong_comma_is_repaired_and_fixed(
    text: str, findings: list[tuple[int, str]], value: object
) -> None:
    """The parser in Python stops elsewhere."""
    check_repaired(text, findings, value)


def check_repaired(text: str, expected: list[tuple[int, str]], value: object) -> None:
    document, found = read_text(text, "a.yaml", KEYS.__contains__)
    assert {one.code for one in found} == {"DS001"}
    assert [(one.primary.span.line, one.message) for one in found] == expected
    assert document is not None
    assert document.value == value
    assert document.recovered
    fixes = [one.fix for one in found if one.fix]
    after, applied = apply_fixes(fixes, found[0].primary.span.source)
    assert len(applied) == len(found)
    document, found = read_text(after, "a.yaml", KEYS.__contains__)
    assert found == []
    assert document is not None
    assert document.value == value


@pytest.mark.parametrize(("text", "findings", "value"), LEFT_OUT)
def test_what_is_uncertain_is_left_out(
    text: str, findings: list[tuple[int, str]], value: object
) -> None:
    document, found = read_text(text, "a.yaml", KEYS.__contains__)
    for one, (line, words) in zip(found, findings, strict=True):
        assert one.primary.span.line == line
        assert words in one.message
        assert one.helps
    assert document is not None
    assert document.value == value


def test_spans_after_a_repair_are_those_of_the_text() -> None:
    document, found = read_text(
        "a=12 # x\nb:13\nb: 1\nc: 2\n", "a.yaml", KEYS.__contains__
    )
    assert document is not None
    assert [finding(one) for one in found] == [
        ("DS001", 1, 1, 1, 5),
        ("DS001", 2, 1, 2, 5),
        ("DS003", 3, 1, 3, 2),
    ]
    assert place(document.spans["a",].value) == (1, 3, 1, 5)
    assert place(document.spans["b",].value) == (2, 3, 2, 5)
    assert place(document.spans["c",].value) == (4, 4, 4, 5)


LOOKALIKES = {
    "in a block": "a: |\n  b:1\n",
    "in a folded block": "a: >-\n\tb 1\n  c=2\n",
    "in quotes": "a: 'b\n  c:1'\n",
    "in double quotes, after a tab": 'a: "\n\tb:1\n"\n',
    "in a block, before a key": "a: |\n \t# x\n \t\nb: 1\n",
    "on the second line of a plain scalar": "a: b\n  c:1\n",
    "in a second document": "a: 1\n---\nb:1\n",
    "before what is not a comment": "b:1#x\n",
    "words that are not keys": "pip install\n",
    "an address": "http://a/b\n",
}


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("name", LOOKALIKES)
def test_what_only_looks_like_a_mistake_is_not_changed(name: str) -> None:
    """Beside a mistake, too."""
    text = LOOKALIKES[name]
    for whole in (text, f"c:2\n{text}", f"{text}d: x: y: z\n"):
        for one in read_text(whole, "a.yaml", KEYS.__contains__)[1]:
            for edit in one.fix.edits if one.fix else ():
                assert edit.span.line == 1
                assert whole.startswith("c:2") or "2" in name


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=6)
NESTED = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(KEYS)), inner, max_size=3)
    ),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(st.sampled_from(sorted(KEYS)), NESTED, min_size=1)


@given(MAPPINGS, st.sampled_from([True, False, None]), st.integers(2, 4))
@settings(deadline=None)
def test_valid_lines_are_not_reported(
    value: dict[str, object],
    flow: bool | None,  # noqa: FBT001  -- drawn
    indent: int,
) -> None:
    """The lines of valid YAML, beside which there may be a mistake."""
    text = yaml.safe_dump(value, default_flow_style=flow, indent=indent, width=30)
    lines = Lines(Positions(Source("a.yaml", text)), KEYS.__contains__)
    lines.read()
    assert [one.message for one in lines.findings] == []


TEXTS = [
    "a: 12\nb:\n  c: 0.1\n  d: fan_in\nkey: 6\n",
    "a: 'x'\nb: {c: deit, d: [1, 2]}\nkey:\n- 1\n- c: 2\n",
    'a: >-\n  x\n  y\nb: "z" # w\n',
    '{\n  "a": 12,\n  "b": {\n    "c": "deit"\n  },\n  "d": 3\n}\n',
]
CHARACTERS = ":=-{}[]\"'#,\t \n|>&*!?%@`/\\x1"


@st.composite
def mutated(draw: st.DrawFn, most: int) -> str:
    """Draw a text with a few characters inserted or left out."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, len(text)))
        put = draw(st.sampled_from(["", *CHARACTERS]))
        text = text[:at] + put + text[at + draw(st.integers(0, 3)) :]
    return text


def is_valid(text: str) -> bool:
    try:
        list(yaml.parse(text, Loader=PARSER))
    except yaml.YAMLError:
        return False
    return True


def codes(text: str) -> tuple[object, list[Diagnostic]]:
    document, found = read_text(text, "a.yaml", KEYS.__contains__)
    return document and document.value, [one for one in found if one.code == "DS001"]


@given(mutated(3))
@example("a: 'b\n\n\nc: 1\n")
@example("a: 1\n--- c: 2\n")
@example("a: 12\nb:\n ! \t0.1\n  d fan_in\nkey: 6\n")
@settings(deadline=None)
def test_a_text_is_broken_where_the_parser_refuses_it(text: str) -> None:
    value, broken = codes(text)
    # The second document is reported, whatever it has.
    assert is_valid(text) or read_text(text, "a.yaml", KEYS.__contains__)[1]
    # `depth:12` is valid: the whole text is one string.
    assert not is_valid(text) or not broken or bare(text)
    assert value is None or isinstance(value, dict | list | str)


def bare(text: str) -> bool:
    """Whether a text, or a value below its key, is a plain scalar."""
    root = yaml.compose(text, Loader=PARSER)
    pairs = root.value if isinstance(root, yaml.MappingNode) else [(None, root)]
    return any(
        isinstance(value, yaml.ScalarNode)
        and (key is None or key.start_mark.line < value.start_mark.line)
        for key, value in pairs
    )


@given(mutated(1))
@example('{\n  "a":# 12,\n  "b": 1\n}\n')
@settings(deadline=None)
def test_a_fix_repairs_its_finding(text: str) -> None:
    _, before = codes(text)
    for one in before:
        if one.fix:
            after, applied = apply_fixes([one.fix], one.fix.source)
            assert applied == [one.fix]
            _, left = codes(after)
            assert len(before) > 1 or is_valid(after)
            same = [each for each in left if each.message == one.message]
            assert len(same) < len(before)


@given(MAPPINGS)
@settings(deadline=None)
def test_json_without_a_comma_is_reported_there(value: dict[str, object]) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False)
    lines = text.splitlines(keepends=True)
    for n, (line, after) in enumerate(pairwise(lines)):
        if line.endswith('",\n') and after.lstrip().startswith('"'):
            cut = "".join([*lines[:n], line.replace(",\n", "\n"), *lines[n + 1 :]])
            _, broken = codes(cut)
            assert len(broken) == 1
