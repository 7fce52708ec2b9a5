"""From a document to a recipe, or to everything that is wrong with it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from deit_spec.diagnostics import (
    Diagnostic,
    Label,
    diagnose,
    has_errors,
    in_source_order,
)
from deit_spec.recipe.checked_recipe import (
    CheckedRecipe,
    check_model,
    look_into,
    with_drop_path,
)
from deit_spec.recipe.overrides import Override, apply, read_override
from deit_spec.recipe.recipe_errors import RecipeFixes, find_all_in, misspelt
from deit_spec.recipe.recipe_names import FIELDS, RECIPE, SECTIONS
from deit_spec.recipe.recipe_schema import Recipe
from deit_spec.recipe.rules import find_all
from deit_spec.recipe.rules.rule_context import Given
from deit_spec.spec.field_errors import describe
from deit_spec.spec.field_spans import Places
from deit_spec.spec.origin import is_unreadable
from deit_spec.spec.spec_validation import enough_of
from deit_spec.yaml_source import Document, document_from_mapping, read_bytes, read_file


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


_PATH: Final = "give the path of a recipe, a YAML file"
RecipeLike: TypeAlias = str | os.PathLike[str] | Mapping[str, Any]


def check_recipe(recipe: RecipeLike, overrides: Sequence[str] = ()) -> CheckedRecipe:
    """Read and validate a recipe, and return every finding.

    `overrides` are texts such as `optimizer.lr=1e-3`, laid over what the recipe
    says, the last on top. A path in one is taken from the folder of the recipe,
    as if it were written there.

    Raises:
        TypeError: It is neither a path nor a mapping.
    """
    match recipe:
        case Mapping():
            document = document_from_mapping(recipe)
            return check_read(document, [], None, overrides)
        case str() | os.PathLike():
            path = Path(recipe)
            read, findings = read_file(path, str(path), RECIPE.is_key)
            if is_unreadable(findings):  # no published name leads to a recipe
                findings = [replace(each, helps=(_PATH,)) for each in findings]
            return check_read(read, findings, path, overrides)
        case _:
            kind = type(recipe).__name__
            raise TypeError(f"a recipe is a path or a mapping, not {kind}")


def check_text(
    data: bytes, name: str, overrides: Sequence[str] = (), path: Path | None = None
) -> CheckedRecipe:
    """Read and validate the text of a recipe; `path` is where it is from."""
    return check_read(*read_bytes(data, name, RECIPE.is_key), path, overrides)


def check_read(
    document: Document | None,
    findings: list[Diagnostic],
    path: Path | None,
    overrides: Sequence[str] = (),
) -> CheckedRecipe:
    """Lay overrides over a document, validate it, and gather every finding."""
    laid, found = _read(overrides)
    findings = [*findings, *found]
    if document is None:
        everything = tuple(in_source_order(findings))
        return CheckedRecipe(None, everything, path=path)
    checked = check_laid(document, findings, path, laid)
    return replace(checked, diagnostics=enough_of(checked.diagnostics))


def check_laid(
    document: Document,
    findings: Sequence[Diagnostic],
    path: Path | None,
    overrides: Sequence[Override],
) -> CheckedRecipe:
    """Validate a document with overrides that have been read."""
    checked = check(apply(document, overrides), path)
    everything = in_source_order([*findings, *checked.diagnostics])
    recipe = None if has_errors(everything) else checked.recipe
    return replace(checked, recipe=recipe, diagnostics=tuple(everything))


def _read(texts: Sequence[str]) -> tuple[list[Override], list[Diagnostic]]:
    overrides, findings = list[Override](), list[Diagnostic]()
    for text in texts:
        override, found = read_override(text)
        overrides += [override] if override else []
        findings += found
    return overrides, findings
