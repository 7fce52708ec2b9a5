"""Which kind of document a text is: a spec, a recipe or a study."""

import os
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from deit_spec.diagnostics import Diagnostic
from deit_spec.spec import Checked
from deit_spec.spec import check_read as check_spec_read
from deit_spec.spec.field_names import ELSEWHERE, SPEC, SYNONYMS, TOP, VARIANT
from deit_spec.spec.fix_loop import Checker
from deit_spec.spec.origin import Origin, at, locate
from deit_spec.spec.spec_validation import told
from deit_spec.yaml_source import Document, read_bytes

if TYPE_CHECKING:
    from deit_spec.recipe.checked_recipe import CheckedRecipe
    from deit_spec.recipe.study_validation import CheckedStudy


class Kind(Enum):
    """What a document says it is, by its keys."""

    SPEC = "spec"
    RECIPE = "recipe"
    STUDY = "study"


_KEYS: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.SPEC: frozenset({*TOP, *VARIANT, *SYNONYMS, *ELSEWHERE}),
    Kind.RECIPE: frozenset(
        {
            "student",
            "teacher",
            "data",
            "loss",
            "optimizer",
            "schedule",
            "augmentation",
            "run",
        }
    ),
    Kind.STUDY: frozenset({"recipe", "seeds", "train_images", "arms", "baseline"}),
}
"""The keys at the top; listed here, so that to tell a spec needs no other schema."""
_KIND_OF_WORD: Final = {word: kind for kind in _KEYS for word in _KEYS[kind]}
_NEAR: Final = 0.75
_ENOUGH: Final = 64
"""Keys that are looked at: no recipe has more sections, and no spec more fields."""


def kind_of(document: Document | None) -> Kind:
    """Tell what most keys at the top are of; a document of no such keys is a spec."""
    value = document.value if document else None
    if not isinstance(value, Mapping):
        return Kind.SPEC
    if value.keys() <= _KEYS[Kind.SPEC]:  # as of most documents, and soon told
        return Kind.SPEC
    return _kind_of_keys(key for key in value if isinstance(key, str))


def _kind_of_keys(keys: Iterable[str]) -> Kind:
    votes = dict.fromkeys(Kind, 0)
    for key in islice(keys, _ENOUGH):
        if kind := _kind_of_key(key):
            votes[kind] += 1
    return max(votes, key=lambda kind: votes[kind])


@lru_cache(maxsize=256)
def _kind_of_key(key: str) -> Kind | None:
    for kind, keys in _KEYS.items():
        if key in keys:
            return kind
    plain = key.lower().replace("-", "_")
    near = get_close_matches(plain, _KIND_OF_WORD, n=1, cutoff=_NEAR)
    return _KIND_OF_WORD[near[0]] if near else None


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
        from deit_spec.recipe import recipe_validation  # noqa: PLC0415  -- not for a spec

        return recipe_validation.check_read(document, findings, path, overrides)
    if kind is Kind.STUDY:
        from deit_spec.recipe import study_validation  # noqa: PLC0415  -- not for a spec

        return study_validation.check_study_read(document, findings, path)
    stem = origin.stem if origin else "deit"
    return check_spec_read(document, findings, stem, origin)


def _told(checked: CheckedAny) -> CheckedAny:
    return told(checked) if isinstance(checked, Checked) else checked


def is_key(word: str) -> bool:
    """Whether a word is a key of a spec or a recipe, misspelt or not."""
    if SPEC.is_key(word):
        return True
    from deit_spec.recipe.recipe_names import RECIPE  # noqa: PLC0415  -- not for a spec

    return RECIPE.is_key(word)


def checker(overrides: Sequence[str] = ()) -> "Checker[CheckedAny]":
    """How a file is checked and mended, whatever it is."""

    def check(
        document: Document | None, findings: list[Diagnostic], origin: Origin | None
    ) -> CheckedAny:
        return _check(document, findings, origin, overrides)

    return Checker(is_key, check, _told)
