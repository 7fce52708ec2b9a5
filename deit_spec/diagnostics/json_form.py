"""Diagnostics as JSON. docs/messages.md describes each field."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from deit_spec.diagnostics import Diagnostic, Fix, Label, Severity, Span
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
