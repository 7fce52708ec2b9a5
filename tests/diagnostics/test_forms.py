"""Every form says all that it can, in the way that its readers demand."""

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deit_spec.diagnostics import (
    CATALOGUE,
    Diagnostic,
    Edit,
    Fix,
    Label,
    Severity,
    Source,
    Span,
    diagnose,
    edits,
    json_form,
)
from deit_spec.diagnostics.forms import Form, render
from deit_spec.diagnostics.visible import visible
from deit_spec.spec import check_text

# From the package @microsoft/jest-sarif 1.0.0-beta.0 (MIT), as it is there.
SARIF_SCHEMA = Path(__file__).with_name("sarif-2.1.0-rtm.5.json")
SARIF = jsonschema.Draft4Validator(
    json.loads(SARIF_SCHEMA.read_text(encoding="utf-8")),
    format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER,
)
COMMAND = re.compile(r"::(error|warning|notice) ([^\n]*?)::([^\n\r]*)")
WRONG = """\
image_sizes: 224
depth: 12.0
depth: 12.0
embed_dim: 770
teacher_num_classes: 5
"""

TEXTS = st.text(
    st.sampled_from("%:,\r\n=A") | st.characters(exclude_categories=["Cs"]), max_size=20
)


@st.composite
def spans(draw: st.DrawFn, names: st.SearchStrategy[str] = TEXTS) -> Span:
    lines = sorted([draw(st.integers(1, 99)), draw(st.integers(1, 99))])
    columns = sorted([draw(st.integers(1, 99)), draw(st.integers(1, 99))])
    return Span(Source(draw(names), ""), lines[0], columns[0], lines[1], columns[1])


LABELS = st.builds(Label, spans(), TEXTS)
FIXES = st.builds(
    Fix,
    TEXTS,
    st.lists(st.builds(Edit, spans(), TEXTS), min_size=1, max_size=2).map(tuple),
)
FINDINGS = st.builds(
    diagnose,
    st.sampled_from(sorted(CATALOGUE)),
    TEXTS,
    LABELS,
    secondary=st.lists(LABELS, max_size=2),
    notes=st.lists(TEXTS, max_size=2),
    helps=st.lists(TEXTS, max_size=2),
    fix=st.none() | FIXES,
)


@given(st.lists(FINDINGS, max_size=3))
def test_json_comes_back_as_it_went(found: list[Diagnostic]) -> None:
    text = render(found, Form.JSON)
    read = json_form.from_json(json.loads(text))
    assert render(read, Form.JSON) == text
    assert [_said(each) for each in read] == [_said(each) for each in found]


def _said(found: Diagnostic) -> tuple[Any, ...]:
    """All of a finding, with sources by their names."""
    edits = found.fix.edits if found.fix else ()
    return (
        found.code,
        found.severity,
        found.message,
        [(*_place(label.span), label.text) for label in _labels(found)],
        found.notes,
        found.helps,
        found.fix and found.fix.title,
        [(*_place(edit.span), edit.text) for edit in edits],
    )


def _labels(found: Diagnostic) -> list[Label]:
    return [found.primary, *found.secondary]


def _place(span: Span) -> tuple[str, int, int, int, int]:
    return (
        span.source.name,
        span.line,
        span.column,
        span.end_line,
        span.end_column,
    )


def test_another_version_of_json_is_refused() -> None:
    with pytest.raises(ValueError, match="version is 2, not 1"):
        json_form.from_json({"version": 2})


@given(st.lists(FINDINGS, max_size=3))
def test_sarif_is_what_its_schema_says(found: list[Diagnostic]) -> None:
    SARIF.validate(json.loads(render(found, Form.SARIF)))


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        (os.fsdecode(b"a\xff b.yaml"), "a%FF%20b.yaml"),
        (os.fsdecode(b"/a\xff.yaml"), "file:///a%FF.yaml"),
        ("é:1.yaml", "%C3%A9%3A1.yaml"),
        ("\ud800.yaml", "%ED%A0%80.yaml"),
    ],
)
def test_sarif_names_files_by_their_bytes(name: str, uri: str) -> None:
    found = diagnose("DS009", "", Label(Span(Source(name, ""), 1, 1, 1, 1)))
    (run,) = json.loads(render([found], Form.SARIF))["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": uri}


def test_sarif_counts_columns_in_characters() -> None:
    """A face is one, where UTF-16, which is meant without this, has two."""
    found = check_text("{'😀': 1}".encode(), "a.yaml").diagnostics
    (run,) = json.loads(render(found, Form.SARIF))["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region["endColumn"] - region["startColumn"] == len("'😀'")


def test_the_schema_of_sarif_can_fail() -> None:
    log = json.loads(render(_wrong(), Form.SARIF))
    log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"] = {
        "startLine": 0
    }
    assert not SARIF.is_valid(log)


def test_sarif_says_all_of_a_finding() -> None:
    (run,) = json.loads(render(_wrong(), Form.SARIF))["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result, found in zip(run["results"], _wrong(), strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == found.code
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "wrong%20one.yaml"
        span = found.primary.span
        assert place["region"]["startLine"] == span.line
        assert place["region"]["endColumn"] == span.end_column
        assert result["message"]["text"].startswith(found.message)
        assert ("fixes" in result) == (found.fix is not None)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_the_fixes_of_sarif_are_those_of_the_findings(line_break: str) -> None:
    """Applied by what the log alone says: its lines, its columns, its texts."""
    text = f"# 😀\u2028\n{WRONG}qkv_bias: yes\n".replace("\n", line_break)
    found = check_text(text.encode(), "a.yaml").diagnostics
    (run,) = json.loads(render(found, Form.SARIF))["runs"]
    mended = [
        (result["fixes"][0], each.fix)
        for result, each in zip(run["results"], found, strict=True)
        if each.fix
    ]
    assert len(mended) == 4
    for told, fix in mended:
        assert told["description"]["text"] == fix.title
        (change,) = told["artifactChanges"]
        assert change["artifactLocation"]["uri"] == "a.yaml"
        after = _replaced(text, change["replacements"], run["newlineSequences"])
        assert after == edits.apply([fix], fix.source)[0]


def _replaced(text: str, replacements: list[dict[str, Any]], breaks: list[str]) -> str:
    pattern = "|".join(map(re.escape, breaks))
    starts = [0, *(each.end() for each in re.finditer(pattern, text))]
    for each in sorted(replacements, key=_start, reverse=True):
        region = each["deletedRegion"]
        start = starts[region["startLine"] - 1] + region["startColumn"] - 1
        end = starts[region["endLine"] - 1] + region["endColumn"] - 1
        text = text[:start] + each["insertedContent"]["text"] + text[end:]
    return text


def _start(replacement: dict[str, Any]) -> tuple[int, int]:
    region = replacement["deletedRegion"]
    return region["startLine"], region["startColumn"]


def test_sarif_tells_of_another_place_once() -> None:
    span = Span(Source("a.yaml", ""), 1, 2, 3, 4)
    found = diagnose(
        "DS009",
        "message",
        Label(span),
        secondary=[Label(span, "x"), Label(span, "x"), Label(span, "y")],
        notes=["n"],
        helps=["h", "i"],
    )
    (run,) = json.loads(render([found], Form.SARIF))["runs"]
    (result,) = run["results"]
    assert result["level"] == "error"
    assert result["message"]["text"] == "message\nnote: n\nhelp: h\nhelp: i"
    assert [x["message"]["text"] for x in result["relatedLocations"]] == ["x", "y"]
    assert result["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 1,
        "startColumn": 2,
        "endLine": 3,
        "endColumn": 4,
    }


@given(st.lists(FINDINGS, max_size=3))
def test_github_reads_back_what_was_said(found: list[Diagnostic]) -> None:
    """The runner takes a line up to `::`, splits at commas and undoes the escapes."""
    lines = render(found, Form.GITHUB).split("\n")
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
            # The last column that is marked; a place without width marks one.
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
def test_concise_is_a_printable_line_a_finding(found: list[Diagnostic]) -> None:
    lines = render(found, Form.CONCISE).split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(found)
    assert all(line.isprintable() for line in lines)


def test_concise_names_place_code_and_help() -> None:
    first, second, *_ = render(_wrong(), Form.CONCISE).splitlines()
    assert first == (
        "wrong one.yaml:1:1: error[DS101]: unknown key `image_sizes`; "
        "did you mean `image_size`?"
    )
    assert second == (
        "wrong one.yaml:2:8: error[DS102]: depth is not an integer; `depth: 12`"
    )


@pytest.mark.parametrize("form", [Form.JSON, Form.SARIF])
def test_a_document_without_findings(form: Form) -> None:
    document = json.loads(render([], form))
    assert (
        document.get("diagnostics", document.get("runs", [{}])[0].get("results")) == []
    )


def _wrong() -> tuple[Diagnostic, ...]:
    found = check_text(WRONG.encode(), "wrong one.yaml").diagnostics
    assert {each.severity for each in found} == {Severity.ERROR, Severity.WARNING}
    return found
