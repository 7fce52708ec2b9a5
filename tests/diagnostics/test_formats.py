"""Each format contains everything it can express, in valid syntax."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.findings import FINDINGS, wrong

from deit_spec.diagnostics import Diagnostic, Label, Span, json_form
from deit_spec.diagnostics.formats import Format, render
from deit_spec.diagnostics.printable import visible

COMMAND = re.compile(r"::(error|warning|notice) ([^\n]*?)::([^\n\r]*)")


@given(st.lists(FINDINGS, max_size=3))
def test_json_round_trip(found: list[Diagnostic]) -> None:
    text = render(found, Format.JSON)
    read = json_form.from_json(json.loads(text))
    assert render(read, Format.JSON) == text
    assert [_content(each) for each in read] == [_content(each) for each in found]


def _content(found: Diagnostic) -> tuple[Any, ...]:
    """The content of a diagnostic, with the names of its sources."""
    edits = found.fix.edits if found.fix else ()
    return (
        found.code,
        found.severity,
        found.message,
        [(*_location(label.span), label.text) for label in _labels(found)],
        found.notes,
        found.helps,
        found.fix and found.fix.title,
        [(*_location(edit.span), edit.text) for edit in edits],
    )


def _labels(found: Diagnostic) -> list[Label]:
    return [found.primary, *found.secondary]


def _location(span: Span) -> tuple[str, int, int, int, int]:
    return (
        span.source.name,
        span.line,
        span.column,
        span.end_line,
        span.end_column,
    )


def test_another_version_of_json_is_rejected() -> None:
    with pytest.raises(ValueError, match="version is 2, not 1"):
        json_form.from_json({"version": 2})


@given(st.lists(FINDINGS, max_size=3))
def test_github_round_trip(found: list[Diagnostic]) -> None:
    """Parsed as the runner does: up to `::`, split at commas, unescaped."""
    lines = render(found, Format.GITHUB).split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(found)
    for line, each in zip(lines, found, strict=True):
        match = COMMAND.fullmatch(line)
        assert match
        command, listed, data = match.groups()
        assert command == each.severity.value.replace("note", "notice")
        span = each.primary.span
        place = {"file": visible(span.source.name), "line": str(span.line)}
        if span.line == span.end_line:
            # The last column, inclusive; an empty span has one column.
            last = max(span.column, span.end_column - 1)
            place |= {"col": str(span.column), "endColumn": str(last)}
        else:
            place["endLine"] = str(span.end_line)
        items = (item.split("=", 1) for item in listed.split(","))
        properties = {key: _unescaped(value) for key, value in items}
        assert properties == place | {"title": f"deit-spec {each.code}"}
        assert _unescaped(data).split("\n") == _shown(_as_lines(each)).split("\n")


def _as_lines(found: Diagnostic) -> str:
    marked = f": {found.primary.text}" if found.primary.text else ""
    return "\n".join(
        [
            f"{found.message}{marked}",
            *(f"{label.span}: {label.text}" for label in found.secondary if label.text),
            *(f"note: {note}" for note in found.notes),
            *(f"help: {help_}" for help_ in found.helps),
        ]
    )


def _shown(text: str) -> str:
    return "\n".join(map(visible, text.split("\n")))


def _unescaped(text: str) -> str:
    for escape, character in (
        ("%0D", "\r"),
        ("%0A", "\n"),
        ("%3A", ":"),
        ("%2C", ","),
        ("%25", "%"),
    ):
        text = text.replace(escape, character)
    return text


@given(st.lists(FINDINGS, max_size=3))
def test_concise_is_one_printable_line_per_finding(found: list[Diagnostic]) -> None:
    lines = render(found, Format.CONCISE).split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(found)
    assert all(line.isprintable() for line in lines)


def test_concise_contains_location_code_and_help() -> None:
    first, second, *_ = render(wrong(), Format.CONCISE).splitlines()
    assert first == (
        "wrong one.yaml:1:1: error[DS101]: unknown key `image_sizes`; "
        "did you mean `image_size`?"
    )
    assert second == (
        "wrong one.yaml:2:8: error[DS102]: depth is not an integer; write `depth: 12`"
    )


@pytest.mark.parametrize("form", [Format.JSON, Format.SARIF])
def test_a_document_without_findings(form: Format) -> None:
    document = json.loads(render([], form))
    assert (
        document.get("diagnostics", document.get("runs", [{}])[0].get("results")) == []
    )
