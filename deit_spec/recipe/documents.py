"""A file of any kind, a spec, a recipe or a study: recognised by its keys, and checked.

A recipe's modules are imported for a recipe only.
"""

import os
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from deit_spec.diagnostics import Diagnostic, Fix
from deit_spec.spec import Checked
from deit_spec.spec import check_read as check_spec_read
from deit_spec.spec.origin import Origin, at, is_spec_key, locate
from deit_spec.spec.schema import TOP
from deit_spec.yaml_source import Document, contents, read_bytes

if TYPE_CHECKING:
    from deit_spec.recipe.checked_recipe import CheckedRecipe
    from deit_spec.recipe.study_validation import CheckedStudy
    from deit_spec.spec.fixes import Fixed

CheckedAny: TypeAlias = "Checked | CheckedRecipe | CheckedStudy"


class Kind(Enum):
    """What a document is."""

    SPEC = "spec"
    RECIPE = "recipe"
    STUDY = "study"


_RECIPE: Final = frozenset(
    ("student", "teacher", "data", "loss", "optimizer", "schedule", "augmentation")
) | {"run"}
_STUDY: Final = frozenset(["recipe", "seeds", "train_images", "arms", "baseline"])


def kind_of(document: Document | None) -> Kind:
    """What most keys at the top level belong to; a spec if they belong to nothing."""
    value = document.value if document else None
    if not isinstance(value, Mapping) or value.keys() <= set(TOP):
        return Kind.SPEC
    from deit_spec.spec.field_names import SPEC  # noqa: PLC0415  -- rarely needed

    keys = {Kind.SPEC: {*SPEC.names}, Kind.RECIPE: _RECIPE, Kind.STUDY: _STUDY}
    votes = {kind: len(value.keys() & names) for kind, names in keys.items()}
    return max(votes, key=lambda kind: votes[kind])


def check_any(
    reference: str | os.PathLike[str], overrides: Sequence[str] = ()
) -> CheckedAny:
    """Check a file, or a published spec by its name. Overrides are for a recipe."""
    origin = (
        locate(reference, Path()) if isinstance(reference, str) else at(Path(reference))
    )
    return check_any_read(*origin.read(is_key), origin, overrides)


def check_any_text(
    data: bytes,
    name: str,
    overrides: Sequence[str] = (),
    origin: Origin | None = None,
) -> CheckedAny:
    """Check a text, such as standard input; `origin` is where relative paths begin."""
    return check_any_read(*read_bytes(data, name, is_key), origin, overrides)


def check_any_read(
    document: Document | None,
    findings: list[Diagnostic],
    origin: Origin | None,
    overrides: Sequence[str] = (),
) -> CheckedAny:
    """Check a document that has been read, as what its keys say it is."""
    path = origin.path if origin else None
    kind = kind_of(document)
    if kind is Kind.RECIPE:
        from deit_spec.recipe import recipe_validation  # noqa: PLC0415

        return recipe_validation.check_read(document, findings, path, overrides)
    if kind is Kind.STUDY:
        from deit_spec.recipe import study_validation  # noqa: PLC0415

        return study_validation.check_study_read(document, findings, path)
    stem = origin.stem if origin else "deit"
    return check_spec_read(document, findings, stem, origin)


def fix_any(reference: str, overrides: Sequence[str] = ()) -> "Fixed":
    """Apply every fix to a file, in memory only."""
    from deit_spec.spec.fixes import Fixed  # noqa: PLC0415

    origin = locate(reference, Path())
    try:
        data = contents(origin.path) if origin.path else None
    except (OSError, ValueError):
        data = None
    if data is None:
        return Fixed(b"", b"", (), check_any(reference, overrides))
    return fix_any_text(data, origin.shown, overrides, origin)


def fix_any_text(
    data: bytes,
    name: str,
    overrides: Sequence[str] = (),
    origin: Origin | None = None,
) -> "Fixed":
    """Apply every fix to a text, such as standard input."""
    from deit_spec.spec.fixes import fix_text  # noqa: PLC0415

    return fix_text(data, lambda text: check_any_text(text, name, overrides, origin))


def own_fixes(checked: CheckedAny) -> list[tuple[Diagnostic, Fix]]:
    """The findings with a fix of the text itself, not of what that extends."""
    source = checked.document.source if checked.document else None
    return [
        (found, found.fix)
        for found in checked.diagnostics
        if found.fix and (source is None or found.fix.source is source)
    ]


def is_key(word: str) -> bool:
    """Whether a word is a key of a spec or a recipe, possibly misspelt."""
    if is_spec_key(word):
        return True
    from deit_spec.recipe.recipe_names import RECIPE  # noqa: PLC0415

    return RECIPE.is_key(word)
