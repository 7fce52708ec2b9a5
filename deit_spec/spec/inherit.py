"""`extends`: another spec's values hold where this one has none."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from deit_spec.diagnostics import Diagnostic, Label, Span, diagnose
from deit_spec.source import Document, Entry, read_file

LONGEST_CHAIN = 16
"""How many specs may extend one another."""

Found: TypeAlias = tuple[Document | None, list[Diagnostic]]


def resolve(document: Document, folder: Path, chain: tuple[str, ...] = ()) -> Found:
    """Merge what a document extends into it; `variant` is merged key by key.

    Paths are relative to `folder`, where the document stands. `chain` holds the
    files on the way here. A value keeps the span of the file that it is from.
    """
    value = document.value
    if not isinstance(value, Mapping) or not isinstance(value.get("extends"), str):
        return document, []
    here = document.nearest(("extends",)).value
    name = str(value["extends"])
    path = folder / name
    if problem := _refuse(name, path, chain, here):
        return None, [problem]
    base, findings = read_file(path, str(path))
    if findings and findings[0].code == "DS009":
        return None, [_unreadable(path, findings[0], here)]
    findings = [inherited(finding, here) for finding in findings]
    if base is None:
        return None, findings
    base, more = resolve(base, path.parent, (*chain, identity(path)))
    findings += [inherited(finding, here) for finding in more]
    if base is None or not isinstance(base.value, Mapping):
        return base, findings
    return _merge(base, document), findings


def identity(path: Path) -> str:
    """One name for a file, whichever way leads to it."""
    try:
        return os.path.realpath(path)
    except ValueError:  # a null byte, which the reader reports
        return str(path)


def inherited(finding: Diagnostic, extends: Span) -> Diagnostic:
    """Say by which line a finding of another file came in."""
    if finding.primary.span.source is extends.source:
        return finding
    label = Label(extends, "extended here")
    return replace(finding, secondary=(*finding.secondary, label))


def _refuse(
    name: str, path: Path, chain: tuple[str, ...], here: Span
) -> Diagnostic | None:
    if not name:
        return diagnose("DS009", "`extends` names no file", Label(here))
    if identity(path) in chain:
        return diagnose(
            "DS106",
            "a spec extends itself",
            Label(here, "leads back here"),
            notes=[" -> ".join(Path(p).name for p in (*chain, identity(path)))],
            helps=["remove one `extends` of the circle"],
        )
    if len(chain) >= LONGEST_CHAIN:
        return diagnose(
            "DS106",
            f"more than {LONGEST_CHAIN} specs extend one another",
            Label(here),
            helps=["write the values into fewer specs"],
        )
    return None


def _unreadable(path: Path, finding: Diagnostic, here: Span) -> Diagnostic:
    return diagnose(
        "DS009",
        finding.message,
        Label(here, "extended here"),
        notes=[f"looked for {path!s}"],
        helps=["`extends` takes a path relative to the spec that it stands in"],
    )


def _merge(base: Document, document: Document) -> Document:
    """Lay a document over the one that it extends."""
    value = {**_mapping(base.value), **_mapping(document.value)}
    spans: dict[tuple[str | int, ...], Entry] = {
        **base.spans,
        **document.spans,
    }
    above, below = (_mapping(d.value).get("variant") for d in (document, base))
    if isinstance(above, Mapping) and isinstance(below, Mapping):
        value["variant"] = {**below, **above}
    del value["extends"], spans["extends",]
    if "name" in _mapping(base.value) and "name" not in _mapping(document.value):
        del value["name"], spans["name",]
    return Document(value=value, spans=spans, source=document.source)


def _mapping(value: object) -> dict[str, object]:
    return dict(value) if isinstance(value, Mapping) else {}
