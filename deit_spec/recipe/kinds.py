"""Which kind of document a text is: a spec, a recipe or a study."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import Enum
from functools import lru_cache
from itertools import islice
from typing import Final

from deit_spec.spec.fields import ELSEWHERE, SYNONYMS, TOP, VARIANT
from deit_spec.yaml_source import Document


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
