"""From whatever a spec is given as to a checked one: path, name, text or mapping."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from deit_spec.diagnostics import Diagnostic, has_errors, in_source_order
from deit_spec.spec.check import Checked, check
from deit_spec.spec.inherit import inherited, resolve
from deit_spec.spec.origin import Origin, at, locate
from deit_spec.spec.schema import DeiTSpec, plain_name
from deit_spec.spec.vocabulary import SPEC
from deit_spec.yaml_source import Document, document_from_mapping, read_bytes
from deit_spec.yaml_source.document import FINDINGS
from deit_spec.yaml_source.yaml_findings import too_many

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
