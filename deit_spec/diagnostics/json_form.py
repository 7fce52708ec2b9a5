"""Diagnostics as JSON, and back. docs/messages.md describes each field."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from deit_spec.diagnostics import Diagnostic, Edit, Fix, Label, Severity, Source, Span
from deit_spec.diagnostics.catalogue import CATALOGUE

VERSION: Final = 1
"""Incremented when a field is removed or changes its meaning, not for new fields."""


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """Write one JSON document; encode it with `backslashreplace`."""
    return json.dumps(as_json(diagnostics), indent=2, ensure_ascii=False) + "\n"


def as_json(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """Convert diagnostics to a document for `json.dumps`."""
    found = list(diagnostics)
    counts = Counter(each.severity for each in found)
    return {
        "version": VERSION,
        "counts": {kind.value: counts[kind] for kind in Severity},
        "diagnostics": listed(found),
    }


def listed(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Convert diagnostics to a list, for use in another document."""
    return [_diagnostic(each) for each in diagnostics]


def from_json(document: Mapping[str, Any]) -> list[Diagnostic]:
    """Read diagnostics back, or raise a ValueError. Their sources have no text."""
    if document["version"] != VERSION:
        raise ValueError(f"version is {document['version']!r}, not {VERSION}")
    sources: dict[str, Source] = {}

    def span(value: Mapping[str, Any]) -> Span:
        source = sources.setdefault(value["file"], Source(value["file"], ""))
        keys = ("line", "column", "end_line", "end_column")
        return Span(source, *(value[key] for key in keys))

    def label(value: Mapping[str, Any]) -> Label:
        return Label(span(value["span"]), value["label"])

    def fix(value: Mapping[str, Any]) -> Fix:
        edits = [Edit(span(edit["span"]), edit["text"]) for edit in value["edits"]]
        return Fix(value["title"], tuple(edits))

    return [
        Diagnostic(
            code=each["code"],
            severity=Severity(each["severity"]),
            message=each["message"],
            primary=label(each),
            secondary=tuple(map(label, each["related"])),
            notes=tuple(each["notes"]),
            helps=tuple(each["helps"]),
            fix=fix(each["fix"]) if each["fix"] else None,
        )
        for each in document["diagnostics"]
    ]


def _diagnostic(found: Diagnostic) -> dict[str, Any]:
    return {
        "code": found.code,
        "name": CATALOGUE[found.code].name,
        "severity": found.severity.value,
        "message": found.message,
        **_label(found.primary),
        "related": [_label(label) for label in found.secondary],
        "notes": list(found.notes),
        "helps": list(found.helps),
        "fix": _fix(found.fix) if found.fix else None,
    }


def _label(label: Label) -> dict[str, Any]:
    return {"span": _span(label.span), "label": label.text}


def _span(span: Span) -> dict[str, Any]:
    return {
        "file": span.source.name,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [{"span": _span(edit.span), "text": edit.text} for edit in fix.edits]
    return {"title": fix.title, "edits": edits}
