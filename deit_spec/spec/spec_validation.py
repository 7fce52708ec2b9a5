"""From a path, a name, a text or a mapping to a valid spec, or to all its findings."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import ValidationError

from deit_spec.diagnostics import (
    Diagnostic,
    Label,
    Source,
    Span,
    diagnose,
    has_errors,
    in_source_order,
)
from deit_spec.spec.origin import Origin, at, is_spec_key, locate
from deit_spec.spec.rules import (
    RULES,
    FieldSpans,
    find_excess,
    find_oversize,
    run_rules,
)
from deit_spec.spec.schema import DeiTSpec, plain_name
from deit_spec.yaml_source import Document, Entry, document_from_mapping, read_bytes
from deit_spec.yaml_source.document import FINDINGS, Positions
from deit_spec.yaml_source.yaml_findings import too_many

SpecLike: TypeAlias = str | os.PathLike[str] | Mapping[str, Any] | DeiTSpec


@dataclass(frozen=True)
class Checked:
    """A spec, where there are no errors, and every finding in source order.

    `document` has all that it extends merged into it; `links` are the spans of the
    `extends` values, the spec's own first.
    """

    spec: DeiTSpec | None
    diagnostics: tuple[Diagnostic, ...]
    document: Document | None = None
    links: tuple[Span, ...] = ()


def check_spec(spec: SpecLike) -> Checked:
    """Read and validate a spec, and return every finding, or the first 200.

    Raises:
        TypeError: It is neither a path, a mapping nor a DeiTSpec.
    """
    match spec:
        case DeiTSpec():
            value = spec.model_dump(exclude_unset=True)
            document = document_from_mapping(value, f"<{spec.name}>")
            return _check(document, [], spec.name)
        case Mapping():
            return _check(document_from_mapping(spec), [], "deit")
        case str() | os.PathLike():
            origin = locate(spec, Path()) if isinstance(spec, str) else at(Path(spec))
            return check_read(*origin.read(), origin.stem, origin)
        case _:
            kind = type(spec).__name__
            raise TypeError(f"a spec is a path, a mapping or a DeiTSpec, not {kind}")


def check_text(data: bytes, name: str, origin: Origin | None = None) -> Checked:
    """Read and validate the text of a spec, such as standard input.

    `name` is what messages call it; `origin` is where relative paths begin.
    """
    stem = "deit" if origin is None else origin.stem
    return check_read(*read_bytes(data, name, is_spec_key), stem, origin)


def check_read(
    document: Document | None,
    findings: list[Diagnostic],
    name: str,
    origin: Origin | None = None,
) -> Checked:
    """Check a document that has been read, with what was found on the way."""
    if document is None:
        return Checked(None, first_of(findings))
    return _check(document, [*findings, *_note_empty(document)], name, origin)


def _check(
    document: Document,
    findings: list[Diagnostic],
    name: str,
    origin: Origin | None = None,
) -> Checked:
    """Merge what the document extends, validate, and gather every finding."""
    if isinstance(document.at(("extends",)), str):
        from deit_spec.spec.extends import inherited, resolve  # noqa: PLC0415

        merged, links, found = resolve(document, origin)
        findings = [*findings, *found]
        spec, found = _validate(merged, plain_name(name))
        found = [inherited(each, links) for each in once_a_line(found, findings)]
    else:
        merged, links = document, ()
        spec, found = _validate(document, plain_name(name))
        found = once_a_line(found, findings)
    findings = [*findings, *found]
    valid = None if has_errors(findings) else spec
    return Checked(valid, first_of(findings), merged, links)


def with_merge_tokens(checked: Checked, merged: int | Sequence[int] | None) -> Checked:
    """Replace `variant.merge_tokens` of a valid spec, unless `merged` is None.

    Findings are at `--merge-tokens`, with the value as its text.
    """
    if checked.spec is None or merged is None:
        return checked
    value = checked.spec.model_dump(exclude_unset=True, exclude={"extends"})
    variant = {**value.get("variant", {}), "merge_tokens": merged}
    document = document_from_mapping({**value, "variant": variant})
    text = str(merged) if isinstance(merged, int) else ",".join(map(str, merged))
    positions, whole = Positions(Source("--merge-tokens", text)), (0, len(text))
    spans = dict(document.spans)
    if checked.document is not None:
        spans |= checked.document.spans
    spans["variant", "merge_tokens"] = Entry(positions, whole, whole)
    found = _check(replace(document, spans=spans), [], checked.spec.name)
    if found.spec is None:
        return found
    return replace(checked, spec=found.spec)


def once_a_line(
    found: list[Diagnostic], syntax: Sequence[Diagnostic]
) -> list[Diagnostic]:
    """Leave out findings on lines that could not be read as they are written."""
    places = {(each.primary.span.source, each.primary.span.line) for each in syntax}
    return [
        each
        for each in found
        if (each.primary.span.source, each.primary.span.line) not in places
    ]


def first_of(findings: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The first findings in source order, and that there are more (DS008)."""
    ordered = in_source_order(findings)
    if len(ordered) <= FINDINGS:
        return tuple(ordered)
    return *ordered[:FINDINGS], too_many(ordered[FINDINGS].primary.span)


def _validate(
    document: Document, name: str
) -> tuple[DeiTSpec | None, list[Diagnostic]]:
    """Check each field, then the rules whose fields are all valid."""
    if not isinstance(document.value, Mapping):
        from deit_spec.spec.field_errors import not_a_mapping  # noqa: PLC0415

        return None, [not_a_mapping(document, "spec", "embed_dim: 768")]
    value = {"name": name, **document.value}
    findings, invalid = list[Diagnostic](), set[str]()
    try:
        spec = DeiTSpec.model_validate(value)
    except ValidationError as error:
        # These modules are imported for an invalid spec only.
        from deit_spec.spec.field_errors import field_errors  # noqa: PLC0415
        from deit_spec.spec.field_names import SPEC  # noqa: PLC0415

        spec, findings, invalid = field_errors(error, value, document, SPEC)
    # After a syntax error, what the rules need may be missing.
    if document.recovered or "extends" in invalid:
        return spec, findings
    spans = FieldSpans(document)
    excess = find_excess(spec, spans, invalid)
    findings += excess.values()
    findings += run_rules(RULES, invalid | excess.keys(), spec, spans)
    if not invalid and not has_errors(findings):
        findings += find_oversize(spec, spans)
    return spec, findings


def _note_empty(document: Document) -> list[Diagnostic]:
    """DS108: a text without a single field may be a mistake."""
    # Other blanks, such as a no-break space, are text in YAML.
    lines = (line.strip(" \t") for line in document.source.lines)
    if document.recovered or any(line and not line.startswith("#") for line in lines):
        return []
    span = document.nearest(()).value
    help_ = "write at least one field, such as `embed_dim: 768`"
    message = "the document is empty: every field has its default"
    return [diagnose("DS108", message, Label(span), helps=[help_])]
