"""Whatever a file is, a spec, a recipe or a study: checked as what it is."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from deit_spec.diagnostics import Diagnostic
from deit_spec.recipe.kinds import Kind, kind_of
from deit_spec.spec import Checked
from deit_spec.spec import check_read as check_spec_read
from deit_spec.spec.mend import Checker
from deit_spec.spec.origin import Origin, at, locate
from deit_spec.spec.reading import told
from deit_spec.spec.vocabulary import SPEC
from deit_spec.yaml_source import Document, read_bytes

if TYPE_CHECKING:
    from deit_spec.recipe.checked import CheckedRecipe
    from deit_spec.recipe.study import CheckedStudy

CheckedAny: TypeAlias = "Checked | CheckedRecipe | CheckedStudy"


def check_any(
    reference: str | os.PathLike[str], overrides: Sequence[str] = ()
) -> CheckedAny:
    """Check a file, or a published spec by its name. Overrides are for a recipe."""
    if isinstance(reference, str):
        origin = locate(reference, Path())
    else:
        origin = at(Path(reference))
    return check_any_read(*origin.read(is_key), origin, overrides)


def check_any_text(data: bytes, name: str, overrides: Sequence[str] = ()) -> CheckedAny:
    """Check a text that has no file, such as standard input."""
    return check_any_read(*read_bytes(data, name, is_key), None, overrides)


def check_any_read(
    document: Document | None,
    findings: list[Diagnostic],
    origin: Origin | None,
    overrides: Sequence[str] = (),
) -> CheckedAny:
    """Check a document that has been read, as what its keys say it is."""
    return _told(_check(document, findings, origin, overrides))


def _check(
    document: Document | None,
    findings: list[Diagnostic],
    origin: Origin | None,
    overrides: Sequence[str],
) -> CheckedAny:
    """Check a document, and tell of a spec everything that is found."""
    path = origin.path if origin else None
    kind = kind_of(document)
    if kind is Kind.RECIPE:
        from deit_spec.recipe import reading  # noqa: PLC0415  -- not for a spec

        return reading.check_read(document, findings, path, overrides)
    if kind is Kind.STUDY:
        from deit_spec.recipe import study  # noqa: PLC0415  -- not for a spec

        return study.check_study_read(document, findings, path)
    stem = origin.stem if origin else "deit"
    return check_spec_read(document, findings, stem, origin)


def _told(checked: CheckedAny) -> CheckedAny:
    return told(checked) if isinstance(checked, Checked) else checked


def is_key(word: str) -> bool:
    """Whether a word is a key of a spec or a recipe, misspelt or not."""
    if SPEC.is_key(word):
        return True
    from deit_spec.recipe.words import RECIPE  # noqa: PLC0415  -- not for a spec

    return RECIPE.is_key(word)


def checker(overrides: Sequence[str] = ()) -> "Checker[CheckedAny]":
    """How a file is checked and mended, whatever it is."""

    def check(
        document: Document | None, findings: list[Diagnostic], origin: Origin | None
    ) -> CheckedAny:
        return _check(document, findings, origin, overrides)

    return Checker(is_key, check, _told)
