"""From whatever a recipe is given as to a checked one: path, text or mapping."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from deit_spec.diagnostics import Diagnostic, has_errors, in_source_order
from deit_spec.recipe.check import check
from deit_spec.recipe.checked import CheckedRecipe
from deit_spec.recipe.overrides import Override, apply, read_override
from deit_spec.recipe.words import RECIPE
from deit_spec.spec.origin import is_unreadable
from deit_spec.spec.reading import enough_of
from deit_spec.yaml_source import Document, document_from_mapping, read_bytes, read_file

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
