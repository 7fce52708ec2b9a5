"""Diagnostics as SARIF 2.1.0, the format of code scanning services.

The standard: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from deit_spec.diagnostics.catalogue import CATALOGUE
from deit_spec.diagnostics.diagnostic import Diagnostic, Fix, Label, Span
from deit_spec.diagnostics.explanation import explanation
from deit_spec.version import __version__

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """Write diagnostics as one SARIF log."""
    return json.dumps(as_sarif(diagnostics), indent=2, ensure_ascii=False) + "\n"


def as_sarif(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """Convert diagnostics to a log with one run, for `json.dumps`."""
    found = list(diagnostics)
    codes = sorted({each.code for each in found})
    rules = [_rule(code) for code in codes]
    driver = {"name": "deit-spec", "version": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        # Columns count characters, not UTF-16 code units.
        "columnKind": "unicodeCodePoints",
        "newlineSequences": ["\r\n", "\n", "\r"],
        "results": [_result(each, codes) for each in found],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    entry, explained = CATALOGUE[code], explanation(code)
    return {
        "id": code,
        "name": entry.name,
        "shortDescription": {"text": entry.summary},
        "fullDescription": {"text": explained.meaning},
        "help": {"text": explained.why, "markdown": explained.why},
        "defaultConfiguration": {"level": entry.severity.value},
    }


def _result(found: Diagnostic, codes: list[str]) -> dict[str, Any]:
    result = {
        "ruleId": found.code,
        "ruleIndex": codes.index(found.code),
        "level": found.severity.value,
        "message": {"text": "\n".join([found.message, *found.remarks])},
        "locations": [_location(found.primary)],
    }
    if found.secondary:
        related: list[dict[str, Any]] = []
        for location in map(_location, found.secondary):
            if location not in related:  # the standard forbids duplicates
                related.append(location)
        result["relatedLocations"] = related
    if found.fix:
        result["fixes"] = [_fix(found.fix)]
    return result


def _location(label: Label) -> dict[str, Any]:
    uri, region = _uri(label.span), _region(label.span)
    physical = {"artifactLocation": {"uri": uri}, "region": region}
    message = {"message": {"text": label.text}} if label.text else {}
    return {"physicalLocation": physical, **message}


def _uri(span: Span) -> str:
    """Return a reference relative to the working directory, or an absolute file URI."""
    path = Path(span.source.name)
    name = _bytes(path.as_posix())
    # A colon is quoted, because it would look like the end of a scheme.
    return "file://" + quote(name) if path.is_absolute() else quote(name, safe="/")


def _bytes(name: str) -> bytes:
    """Encode a file name as the file system does; it may not be UTF-8."""
    try:
        return os.fsencode(name)
    except UnicodeEncodeError:  # not a possible file name
        return name.encode(errors="surrogatepass")


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    replacements = [
        {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
        for edit in fix.edits
    ]
    location = {"uri": _uri(fix.edits[0].span)}
    change = {"artifactLocation": location, "replacements": replacements}
    return {"description": {"text": fix.title}, "artifactChanges": [change]}
