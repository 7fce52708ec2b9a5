"""What holds for any text at all."""

import json

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deit_spec.diagnostics import Diagnostic, Label, Span
from deit_spec.yaml_source import Document, read_bytes, read_text

# Text that is nearly YAML finds more than text that is not.
FRAGMENTS = st.sampled_from(
    [
        *("a", "b", ": ", ":", "\n", "\n  ", "- ", "? ", ", ", "[", "]", "{", "}", "'"),
        *('"', "#", " # c", "&x ", "*x", "!!str ", "!!int ", "!foo ", "! ", "<<: "),
        *("a: ", "\na: ", "---\n", "...\n", "%YAML 1.2\n", "|\n", ">\n", "é", "漢"),
        *("😀", "1", "1e-6", "true", "null", "~", "\\u0041", "\\x", "\t", "\r\n", "\r"),
        *("\x85", "\u2028", "\ufeff", "\x00", "\x1b", "\ud800", "   ", "@", "`", "%"),
        *("=", "9" * 200),
    ]
)
TEXTS = st.one_of(
    st.lists(FRAGMENTS, max_size=30).map("".join),
    st.text(st.characters(codec=None, exclude_categories=()), max_size=40),
)  # fmt: skip
# Draws of a text are small and quick; a busy machine may still be slow at times.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def labels(problem: Diagnostic) -> list[Label]:
    return [problem.primary, *problem.secondary]


def inside(span: Span) -> bool:
    lines = span.source.lines
    start, end = (span.line, span.column), (span.end_line, span.end_column)
    ends_in_text = 1 <= span.line <= span.end_line <= len(lines)
    return (
        ends_in_text
        and start <= end
        and 1 <= span.column <= len(lines[span.line - 1]) + 1
        and 1 <= span.end_column <= len(lines[span.end_line - 1]) + 1
    )


def selected(span: Span) -> str:
    lines = span.source.lines[span.line - 1 : span.end_line]
    cut = [*lines[:-1], lines[-1][: span.end_column - 1]]
    return "\n".join([cut[0][span.column - 1 :], *cut[1:]])


def check_places(document: Document | None, problems: list[Diagnostic]) -> None:
    for problem in problems:
        assert all(inside(label.span) for label in labels(problem))
    if document is not None:
        for entry in document.spans.values():
            assert inside(entry.key)
            assert inside(entry.value)
            assert not selected(entry.value).endswith((" ", "\n", "\t"))


@given(TEXTS)
@unhurried
def test_any_text_is_read_or_refused_at_a_place_inside_it(text: str) -> None:
    document, problems = read_text(text, "a.yaml")
    assert document is not None or problems
    check_places(document, problems)


@given(TEXTS)
@settings(unhurried, suppress_health_check=list(HealthCheck))
@pytest.mark.usefixtures("parser")
def test_either_parser_reads_any_text(text: str) -> None:
    check_places(*read_text(text, "a.yaml"))


@given(st.binary(max_size=60))
@unhurried
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    document, problems = read_bytes(data, "a.yaml")
    assert document is not None or problems
    check_places(document, problems)


@given(TEXTS)
@unhurried
def test_a_scalar_read_alone_has_the_same_value(text: str) -> None:
    document, _ = read_text(text, "a.yaml")
    for path, entry in document.spans.items() if document else ():
        if document is None or document.recovered:
            continue
        value = part(document.value, path)
        alone = selected(entry.value)
        one_line = entry.value.line == entry.value.end_line
        if isinstance(value, dict | list) or not alone or not one_line:
            continue
        again, _ = read_text(f"- {alone}\n", "b.yaml")
        # Not all that may stand in a block may stand in a sequence, and vice versa.
        if again is not None and isinstance(again.value, list):
            assert repr(again.value) == repr([value])


def part(value: object, path: tuple[str | int, ...]) -> object:
    for step in path:
        assert isinstance(value, dict | list)
        value = value[step]  # type: ignore[index]
    return value


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
ASCII = st.text(st.characters(codec="ascii"), max_size=8)


def json_like(words: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    return st.recursive(
        st.none() | st.booleans() | NUMBERS | words,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3)
        ),
        max_leaves=8,
    )


@given(st.dictionaries(WORDS, json_like(WORDS), max_size=4))
@unhurried
def test_what_yaml_dumps_is_read_back(value: dict[str, object]) -> None:
    """Quoted and tagged throughout, for YAML 1.1 and 1.2 differ on plain scalars."""
    text = yaml.safe_dump(value, default_style='"', allow_unicode=True)
    document, problems = read_text(text, "a.yaml")
    assert problems == []
    assert document is not None
    assert document.value == value


@given(json_like(ASCII), st.sampled_from([None, 1, 3]))
@example({"": "(", ")": None}, None)
@unhurried
def test_json_is_read_as_json_reads_it(value: object, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    document, problems = read_text(text, "a.json")
    assert problems == []
    assert document is not None
    assert document.value == ({} if value is None else value)
