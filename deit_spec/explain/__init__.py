"""`deit-spec explain`: what a code means, and what a field does."""

from typing import Final

from deit_spec.diagnostics import CATALOGUE
from deit_spec.explain.code_page import catalogue_page, code_page
from deit_spec.explain.field_info import recipe_fields, spec_fields
from deit_spec.explain.field_page import explain_field, field_page
from deit_spec.recipe.recipe_names import RECIPE
from deit_spec.spec.field_names import SYNONYMS
from deit_spec.spec.nearest import closest_word, one_of

__all__ = [
    "FIELDS",
    "RECIPE_FIELDS",
    "UnknownTopicError",
    "catalogue_page",
    "code_page",
    "explain_field",
    "field_page",
    "find",
    "topics",
]

FIELDS: Final = tuple(
    name
    for field in spec_fields().values()
    for name in (field.name, *(inner.name for inner in field.fields.values()))
)
"""The fields of a spec; those of `variant` as `variant.drop_path`."""
RECIPE_FIELDS: Final = tuple(
    field.name
    for section in recipe_fields().values()
    for field in section.fields.values()
)
"""The fields of a recipe, such as `optimizer.lr`."""

_CODES: Final = {entry.name: entry.code for entry in CATALOGUE.values()}
_VARIANT: Final = {name.removeprefix("variant."): name for name in FIELDS}
_RECIPE: Final = {
    key: [name for name in RECIPE_FIELDS if name.endswith(f".{key}")]
    for key in (name.partition(".")[2] for name in RECIPE_FIELDS)
}
"""The fields of a recipe by their names without the section."""


class UnknownTopicError(LookupError):
    """A word is not a code, a name of a code, or a field. The text suggests another."""


def find(word: str) -> str:
    """Return the code or field of a word: `DS203`, `unknown-key`, `drop_path`, `lr`.

    A field of a spec comes before one of a recipe.

    Raises:
        UnknownTopicError: There is none, or several sections of a recipe have it.
    """
    lower = word.lower()
    if word.upper() in CATALOGUE or lower in _CODES:
        return _CODES.get(lower, word.upper())
    field = _VARIANT.get(lower, lower)
    if field in FIELDS or field in RECIPE_FIELDS:
        return field
    meant = _RECIPE.get(lower) or _RECIPE.get(RECIPE.synonyms.get(lower, ""), [])
    if lower in _RECIPE and len(meant) == 1:
        return meant[0]
    if meant and lower not in SYNONYMS:
        fields = [f"`{name}`" for name in meant]
        raise UnknownTopicError(f"did you mean {one_of(fields)}?")
    words = SYNONYMS | {field: field for field in (*_VARIANT, *FIELDS)}
    words |= {field: field for field in RECIPE_FIELDS if "." in word}
    words |= {name.replace("-", "_"): name for name in _CODES}
    if near := closest_word(word, words):
        raise UnknownTopicError(f"did you mean `{words[near]}`?")
    raise UnknownTopicError(
        "`deit-spec explain` lists the codes, `deit-spec new NAME -o -` the fields"
    )


def topics() -> list[tuple[str, str]]:
    """Return every topic with a short description, for completion."""
    codes = [(entry.code, entry.summary) for entry in CATALOGUE.values()]
    names = [(entry.name, entry.code) for entry in CATALOGUE.values()]
    fields = [(field, "field of a spec") for field in FIELDS]
    fields += [(field, "field of a recipe") for field in RECIPE_FIELDS]
    return [*codes, *names, *fields]
