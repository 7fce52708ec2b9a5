"""From a document to a recipe, or to everything that is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from deit_spec.diagnostics import (
    Diagnostic,
    Label,
    diagnose,
    has_errors,
    in_source_order,
)
from deit_spec.recipe.checked import CheckedRecipe
from deit_spec.recipe.findings import RecipeFixes
from deit_spec.recipe.folders import look_into
from deit_spec.recipe.given import Given
from deit_spec.recipe.judging import find_all_in, misspelt
from deit_spec.recipe.models import check_model, with_drop_path
from deit_spec.recipe.rules import find_all
from deit_spec.recipe.schema import Recipe
from deit_spec.recipe.words import FIELDS, RECIPE, SECTIONS
from deit_spec.spec.findings import describe
from deit_spec.spec.places import Places
from deit_spec.yaml_source import Document


def check(document: Document, path: Path | None = None) -> CheckedRecipe:
    """Validate a document: each field, then the specs it names, then the rules."""
    value = document.value
    if not isinstance(value, Mapping):
        return CheckedRecipe(None, (_no_mapping(document),), document, path=path)
    findings, invalid = _of_fields(document)
    recipe = _what_is_valid(value, invalid)
    known = CheckedRecipe(None, (), document, path=path)
    if "student.spec" not in invalid:
        student, found = check_model(known, "student.spec")
        known, findings = replace(known, student=student), [*findings, *found]
    if "teacher.spec" not in invalid:
        teacher, found = check_model(known, "teacher.spec")
        known, findings = replace(known, teacher=teacher), [*findings, *found]
    given = Given(recipe, Places(document), known, None)
    if given.source == "folder" and recipe.data.folder:
        given = replace(given, images=look_into(known.place(recipe.data.folder)))
    findings += find_all(given, invalid)
    if known.student is not None:
        rate = recipe.augmentation.drop_path
        known = replace(known, student=with_drop_path(known.student, rate))
    valid = None if has_errors(findings) else recipe
    return replace(known, recipe=valid, diagnostics=tuple(in_source_order(findings)))


def _of_fields(document: Document) -> tuple[list[Diagnostic], set[str]]:
    """What is wrong with each field, and the fields that no rule is to speak of."""
    findings, invalid = list[Diagnostic](), set[str]()
    try:
        Recipe.model_validate(document.value)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        findings = find_all_in(errors, RecipeFixes(document))
        invalid = {".".join(_names(found["loc"])) for found in errors}
        invalid |= misspelt(errors, document, RECIPE)
    invalid |= {
        field
        for field in (*SECTIONS, *FIELDS)
        if document.doubtful(tuple(field.split(".")))
    }
    return findings, invalid | _beneath(invalid)


def _names(loc: Sequence[str | int]) -> list[str]:
    return [step for step in loc if isinstance(step, str)]


def _beneath(invalid: set[str]) -> set[str]:
    return {field for field in FIELDS if field.split(".")[0] in invalid}


def _what_is_valid(value: Mapping[str, object], invalid: set[str]) -> Recipe:
    """The recipe, with defaults where a field is invalid, for the other rules."""
    sections: dict[str, object] = {}
    for name, model in SECTIONS.items():
        found = value.get(name)
        if name == "teacher" and (found is None or name in invalid):
            continue
        inner = found if isinstance(found, Mapping) and name not in invalid else {}
        kept = {
            key: item
            for key, item in inner.items()
            if key in model.model_fields and f"{name}.{key}" not in invalid
        }
        if name == "student":
            kept.setdefault("spec", "")
        sections[name] = kept
    return Recipe.model_validate(sections)


def _no_mapping(document: Document) -> Diagnostic:
    return diagnose(
        "DS105",
        "a recipe is a mapping of keys to values",
        Label(document.nearest(()).value, describe(document.value)),
        helps=["write one `key: value` a line, such as `student: {spec: base.yaml}`"],
    )
