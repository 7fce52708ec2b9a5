"""SARIF is valid and contains everything of a diagnostic, with its fixes."""

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.findings import FINDINGS, WRONG, wrong

from deit_spec.diagnostics import Diagnostic, Label, Source, Span, apply_fixes, diagnose
from deit_spec.diagnostics.formats import Format, render
from deit_spec.spec import check_text

# From the package @microsoft/jest-sarif 1.0.0-beta.0 (MIT), unchanged.
SARIF_SCHEMA = Path(__file__).with_name("sarif-2.1.0-rtm.5.json")
SARIF = jsonschema.Draft4Validator(
    json.loads(SARIF_SCHEMA.read_text(encoding="utf-8")),
    format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER,
)


@given(st.lists(FINDINGS, max_size=3))
def test_sarif_is_valid(found: list[Diagnostic]) -> None:
    SARIF.validate(json.loads(render(found, Format.SARIF)))


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        (os.fsdecode(b"a\xff b.yaml"), "a%FF%20b.yaml"),
        (os.fsdecode(b"/a\xff.yaml"), "file:///a%FF.yaml"),
        ("é:1.yaml", "%C3%A9%3A1.yaml"),
        ("\ud800.yaml", "%ED%A0%80.yaml"),
    ],
)
def test_sarif_encodes_file_names(name: str, uri: str) -> None:
    found = diagnose("DS009", "", Label(Span(Source(name, ""), 1, 1, 1, 1)))
    (run,) = json.loads(render([found], Format.SARIF))["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": uri}


def test_sarif_counts_columns_in_characters() -> None:
    """An emoji is one column, not the two code units of UTF-16."""
    found = check_text("{'😀': 1}".encode(), "a.yaml").diagnostics
    (run,) = json.loads(render(found, Format.SARIF))["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region["endColumn"] - region["startColumn"] == len("'😀'")


def test_the_schema_rejects_an_invalid_log() -> None:
    log = json.loads(render(wrong(), Format.SARIF))
    log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"] = {
        "startLine": 0
    }
    assert not SARIF.is_valid(log)


def test_sarif_contains_the_finding() -> None:
    (run,) = json.loads(render(wrong(), Format.SARIF))["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result, found in zip(run["results"], wrong(), strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == found.code
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "wrong%20one.yaml"
        span = found.primary.span
        assert place["region"]["startLine"] == span.line
        assert place["region"]["endColumn"] == span.end_column
        assert result["message"]["text"].startswith(found.message)
        assert ("fixes" in result) == (found.fix is not None)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_sarif_fixes_are_those_of_the_findings(line_break: str) -> None:
    """The edits are applied with the information in the log only."""
    text = f"# 😀\u2028\n{WRONG}qkv_bias: yes\n".replace("\n", line_break)
    found = check_text(text.encode(), "a.yaml").diagnostics
    (run,) = json.loads(render(found, Format.SARIF))["runs"]
    fixable = [
        (result["fixes"][0], each.fix)
        for result, each in zip(run["results"], found, strict=True)
        if each.fix
    ]
    assert len(fixable) == 4
    for sarif_fix, fix in fixable:
        assert sarif_fix["description"]["text"] == fix.title
        (change,) = sarif_fix["artifactChanges"]
        assert change["artifactLocation"]["uri"] == "a.yaml"
        after = _replaced(text, change["replacements"], run["newlineSequences"])
        assert after == apply_fixes([fix], fix.source)[0]


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


def test_sarif_has_no_duplicate_locations() -> None:
    span = Span(Source("a.yaml", ""), 1, 2, 3, 4)
    found = diagnose(
        "DS009",
        "message",
        Label(span),
        secondary=[Label(span, "x"), Label(span, "x"), Label(span, "y")],
        notes=["n"],
        helps=["h", "i"],
    )
    (run,) = json.loads(render([found], Format.SARIF))["runs"]
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
