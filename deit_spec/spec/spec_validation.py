"""From a document to a spec, or to everything that is wrong with it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import ValidationError

from deit_spec.diagnostics import Diagnostic, Span, has_errors, in_source_order
from deit_spec.spec.doubt import unread_below
from deit_spec.spec.extends import inherited, resolve
from deit_spec.spec.field_errors import find_in, no_mapping
from deit_spec.spec.field_names import FIELDS, SPEC, TOP, VARIANT, meant_by
from deit_spec.spec.field_spans import Places
from deit_spec.spec.fixes import Fixes
from deit_spec.spec.model_limits import find_excess, find_oversize
from deit_spec.spec.origin import Origin, at, locate
from deit_spec.spec.rules import find_all
from deit_spec.spec.schema import DeiTSpec, Variant, plain_name
from deit_spec.yaml_source import Document, document_from_mapping, read_bytes
from deit_spec.yaml_source.document import FINDINGS
from deit_spec.yaml_source.yaml_findings import too_many


@dataclass(frozen=True)
class Checked:
    """A spec, where there are no errors, and every finding in source order.

    `document` has all that it extends merged into it; `links` are the places of
    the `extends` values, the spec's own first.
    """

    spec: DeiTSpec | None
    diagnostics: tuple[Diagnostic, ...]
    document: Document | None = None
    links: tuple[Span, ...] = ()


def check(document: Document, name: str = "deit") -> Checked:
    """Validate a document: each field by itself, then the rules between fields.

    `name` is the model's name where the document gives none.
    """
    if not isinstance(document.value, Mapping):
        return Checked(None, (no_mapping(document),), document)
    value = {"name": name, **document.value}
    try:
        spec = DeiTSpec.model_validate(value)
        findings, invalid = [], set[str]()
    except ValidationError as error:
        errors = error.errors(include_url=False)
        fixes = Fixes(document)
        judged = [
            found
            for found in errors
            if found["loc"] not in document.doubts
            and not _is_above_its_keys(found, value)
        ]
        findings = [find_in(found, fixes) for found in judged]
        invalid = {".".join(map(str, found["loc"])) for found in errors}
        invalid |= _beneath(invalid) | _misspelt(errors)
        spec = _what_is_valid(value, invalid)
    doubtful = invalid | _doubtful(document, invalid)
    places = Places(document)
    excess = find_excess(spec, places, doubtful)
    findings += excess.values()
    findings += find_all(spec, places, doubtful | excess.keys())
    if not doubtful and not has_errors(findings):
        findings += find_oversize(spec, places)
    valid = None if has_errors(findings) else spec
    return Checked(valid, tuple(in_source_order(findings)), document)


def _is_above_its_keys(error: Mapping[str, Any], value: Mapping[str, object]) -> bool:
    """Whether it is about a `variant:` whose keys are there, and not below it.

    Each of these is told where it belongs.
    """
    is_empty = error["loc"] == ("variant",) and value["variant"] is None
    return is_empty and any(meant_by((name,))[:-1] == ("variant",) for name in value)


def _beneath(invalid: set[str]) -> set[str]:
    """The fields of a variant that is no mapping."""
    return {f"variant.{name}" for name in VARIANT} if "variant" in invalid else set()


def _misspelt(errors: Sequence[Mapping[str, Any]]) -> set[str]:
    """The fields that unknown keys were meant to be: their defaults say nothing."""
    meant = set()
    for error in errors:
        if error["type"] == "extra_forbidden":
            path = meant_by(tuple(map(str, error["loc"])))
            meant.add(".".join(path))
            meant |= _beneath(meant)
    return meant


def _doubtful(document: Document, invalid: set[str]) -> set[str]:
    """The fields of which the document, or what it extends, may say something else."""
    if "extends" in invalid:
        document = unread_below(document)
    if not document.doubts:
        return set()
    return {field for field in FIELDS if document.doubtful(tuple(field.split(".")))}


def _what_is_valid(value: Mapping[str, object], invalid: set[str]) -> DeiTSpec:
    """The spec with defaults where a field is invalid, for the rules on the others."""
    variant = value.get("variant", {})
    inner: dict[str, object] = {}
    if isinstance(variant, Mapping):
        inner = {
            key: item
            for key, item in variant.items()
            if key in VARIANT and f"variant.{key}" not in invalid
        }
    outer = {
        key: item
        for key, item in value.items()
        if key in TOP and key not in invalid and key != "variant"
    }
    return DeiTSpec.model_validate({**outer, "variant": Variant.model_validate(inner)})


SpecLike: TypeAlias = str | os.PathLike[str] | Mapping[str, Any] | DeiTSpec


def check_spec(spec: SpecLike) -> Checked:
    """Read and validate a spec, and return every finding, or the first of very many.

    Raises:
        TypeError: It is neither a path, a mapping nor a DeiTSpec.
    """
    return told(_check_any(spec))


def _check_any(spec: SpecLike) -> Checked:
    match spec:
        case DeiTSpec():
            value = spec.model_dump(exclude_unset=True)
            document = document_from_mapping(value, f"<{spec.name}>")
            return check_read(document, [], spec.name)
        case Mapping():
            document = document_from_mapping(spec)
            return check_read(document, [], "deit")
        case str() | os.PathLike():
            origin = locate(spec, Path()) if isinstance(spec, str) else at(Path(spec))
            return check_read(*origin.read(), origin.stem, origin)
        case _:
            kind = type(spec).__name__
            raise TypeError(f"a spec is a path, a mapping or a DeiTSpec, not {kind}")


def check_text(data: bytes, name: str) -> Checked:
    """Read and validate a spec that has no file, such as standard input."""
    document, findings = read_bytes(data, name, SPEC.is_key)
    return told(check_read(document, findings, "deit"))


def check_read(
    document: Document | None,
    findings: list[Diagnostic],
    name: str,
    origin: Origin | None = None,
) -> Checked:
    """Merge what the document extends, validate, and gather every finding."""
    if document is None:
        return Checked(None, tuple(in_source_order(findings)))
    lineage = resolve(document, origin)
    findings = [*findings, *lineage.findings]
    checked = check(lineage.document, plain_name(name))
    findings += [inherited(found, lineage.links) for found in checked.diagnostics]
    everything = in_source_order(findings)
    spec = None if has_errors(everything) else checked.spec
    return Checked(spec, tuple(everything), lineage.document, lineage.links)


def told(checked: Checked) -> Checked:
    """Leave out what nobody would read."""
    few = enough_of(checked.diagnostics)
    return checked if few is checked.diagnostics else replace(checked, diagnostics=few)


def enough_of(findings: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """The first findings, and that there are more."""
    if len(findings) <= FINDINGS:
        return findings
    return *findings[:FINDINGS], too_many(findings[FINDINGS].primary.span)
