"""From a document to a spec, or to everything that is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from deit_spec.diagnostics import (
    Diagnostic,
    Label,
    Span,
    diagnose,
    has_errors,
    in_source_order,
)
from deit_spec.source import Document
from deit_spec.spec.fields import SYNONYMS, TOP, VARIANT
from deit_spec.spec.findings import describe, find_in
from deit_spec.spec.limits import find_excess
from deit_spec.spec.places import Places
from deit_spec.spec.rules import find_all
from deit_spec.spec.schema import DeiTSpec, Variant
from deit_spec.spec.suggest import closest_word


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
        return Checked(None, (_no_mapping(document),), document)
    value = {"name": name, **document.value}
    try:
        spec = DeiTSpec.model_validate(value)
        findings, invalid = [], set[str]()
    except ValidationError as error:
        errors = error.errors(include_url=False)
        findings = [find_in(found, document) for found in errors]
        invalid = {".".join(map(str, found["loc"])) for found in errors}
        invalid |= _beneath(invalid) | _misspelt(errors)
        spec = _what_is_valid(value, invalid)
    places = Places(document)
    excess = find_excess(spec, places, invalid)
    findings += excess.values()
    findings += find_all(spec, places, invalid | excess.keys())
    valid = None if has_errors(findings) else spec
    return Checked(valid, tuple(in_source_order(findings)), document)


def _no_mapping(document: Document) -> Diagnostic:
    return diagnose(
        "DS105",
        "a spec is a mapping of keys to values",
        Label(document.nearest(()).value, describe(document.value)),
        helps=["write one `key: value` a line, such as `embed_dim: 768`"],
    )


def _beneath(invalid: set[str]) -> set[str]:
    """The fields of a variant that is no mapping."""
    return {f"variant.{name}" for name in VARIANT} if "variant" in invalid else set()


def _misspelt(errors: Sequence[Mapping[str, Any]]) -> set[str]:
    """The fields that unknown keys were meant to be: their defaults say nothing."""
    meant = set()
    for error in errors:
        if error["type"] == "extra_forbidden":
            *outer, key = map(str, error["loc"])
            word = closest_word(key, VARIANT if outer else TOP, SYNONYMS)
            meant.add(".".join([*outer, word or key]))
    return meant


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
