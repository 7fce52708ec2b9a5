"""From a path, a text or a mapping to a valid recipe, or to all its findings."""

import os
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from deit_spec.diagnostics import Diagnostic, has_errors
from deit_spec.recipe.checked_recipe import (
    CheckedRecipe,
    check_model,
    unused_weights,
    with_drop_path,
)
from deit_spec.recipe.image_folder import look_into
from deit_spec.recipe.overrides import Override, apply, read_overrides
from deit_spec.recipe.recipe_names import RECIPE
from deit_spec.recipe.recipe_schema import Recipe
from deit_spec.recipe.rules import RULES
from deit_spec.recipe.rules.rule_context import RuleContext
from deit_spec.spec import Checked
from deit_spec.spec.field_errors import field_errors, not_a_mapping
from deit_spec.spec.origin import is_unreadable
from deit_spec.spec.rules import FieldSpans, run_rules
from deit_spec.spec.spec_validation import first_of, once_a_line
from deit_spec.yaml_source import Document, document_from_mapping, read_file

_PATH: Final = "pass the path of a recipe, a YAML file"
RecipeLike: TypeAlias = str | os.PathLike[str] | Mapping[str, Any]


def check_recipe(
    recipe: RecipeLike,
    overrides: Sequence[str | Override] = (),
    *,
    without: Container[str] = (),
    student: Checked | None = None,
) -> CheckedRecipe:
    """Read and validate a recipe, and return every finding, or the first 200.

    Args:
        recipe: The path of a YAML file, or a mapping.
        overrides: Values such as `optimizer.lr=1e-3` that replace those of the recipe,
            in this order, with paths as if they were written there.
        without: The codes of rules that are left out.
        student: A spec in place of what `student.spec` names.

    Raises:
        TypeError: It is neither a path nor a mapping.
    """
    match recipe:
        case Mapping():
            document = document_from_mapping(recipe)
            return check_read(document, [], None, overrides, without, student)
        case str() | os.PathLike():
            path = Path(recipe)
            read, findings = read_file(path, str(path), RECIPE.is_key)
            if is_unreadable(findings):  # no published name leads to a recipe
                findings = [replace(each, helps=(_PATH,)) for each in findings]
            return check_read(read, findings, path, overrides, without, student)
        case _:
            kind = type(recipe).__name__
            raise TypeError(f"a recipe is a path or a mapping, not {kind}")


def check_read(  # noqa: PLR0913, PLR0917  -- the arguments of `check_recipe`
    document: Document | None,
    findings: list[Diagnostic],
    path: Path | None,
    overrides: Sequence[str | Override] = (),
    without: Container[str] = (),
    student: Checked | None = None,
) -> CheckedRecipe:
    """Apply overrides to a document, validate it, and gather every finding."""
    changes, found = read_overrides(overrides)
    findings = [*findings, *found]
    if document is None:
        return CheckedRecipe(None, first_of(findings), path=path)
    checked = check(apply(document, changes), path, without, student)
    findings += once_a_line(list(checked.diagnostics), findings)
    recipe = None if has_errors(findings) else checked.recipe
    return replace(checked, recipe=recipe, diagnostics=first_of(findings))


def check(
    document: Document,
    path: Path | None = None,
    without: Container[str] = (),
    student: Checked | None = None,
) -> CheckedRecipe:
    """Validate a document: each field, then the specs it names, then the rules."""
    value = document.value
    if not isinstance(value, Mapping):
        example = "student: {spec: base.yaml}"
        found = not_a_mapping(document, "recipe", example)
        return CheckedRecipe(None, (found,), document, path=path)
    findings, invalid = list[Diagnostic](), set[str]()
    try:
        recipe = Recipe.model_validate(value)
    except ValidationError as error:
        recipe, findings, invalid = field_errors(error, value, document, RECIPE)
    checked = CheckedRecipe(None, (), document, path=path)
    found_in_student = list[Diagnostic]()
    if student is None:
        student, found_in_student = check_model(checked, "student.spec")
        found_in_student += unused_weights(checked)
    teacher, found_in_teacher = check_model(checked, "teacher.spec")
    checked = replace(checked, student=student, teacher=teacher)
    findings += [*found_in_student, *found_in_teacher]
    if not document.recovered:
        context = RuleContext(recipe, FieldSpans(document), checked, None)
        data = recipe.data
        if context.source == "folder" and data.folder:
            images = look_into(checked.place(data.folder), data.train, data.val)
            context = replace(context, images=images)
        rules = [rule for rule in RULES if rule.code not in without]
        findings += run_rules(rules, invalid, context)
    if checked.student is not None:
        rate = recipe.augmentation.drop_path
        checked = replace(checked, student=with_drop_path(checked.student, rate))
    valid = None if has_errors(findings) else recipe
    return replace(checked, recipe=valid, diagnostics=first_of(findings))
