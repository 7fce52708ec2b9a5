"""Find the code or the field that a word refers to."""

import re
from typing import Final, NamedTuple

from deit_spec.diagnostics import CATALOGUE
from deit_spec.explain.field_info import recipe_fields, spec_fields
from deit_spec.spec.field_names import SYNONYMS
from deit_spec.spec.nearest import closest_word

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


class Topic(NamedTuple):
    """A code, or a field; the other is empty."""

    code: str = ""
    field: str = ""

    @property
    def is_of_spec(self) -> bool:
        """Whether this is a field of a spec."""
        return self.field in FIELDS


class UnknownTopicError(LookupError):
    """A word is not a code, a name of a code, or a field. The text suggests another."""


def find(word: str) -> Topic:
    """Find the code or field of a word: `DS203`, `unknown-key`, `drop_path`.

    Raises:
        UnknownTopicError: There is none.
    """
    lower = word.lower()
    if word.upper() in CATALOGUE or lower in _CODES:
        return Topic(code=_CODES.get(lower, word.upper()))
    field = _VARIANT.get(lower, lower)
    if field in FIELDS or field in RECIPE_FIELDS:
        return Topic(field=field)
    raise UnknownTopicError(_suggestion(word))


def topics() -> list[tuple[str, str]]:
    """Return every topic with a short description, for completion."""
    codes = [(entry.code, entry.summary) for entry in CATALOGUE.values()]
    names = [(entry.name, entry.code) for entry in CATALOGUE.values()]
    fields = [(field, "field of a spec") for field in FIELDS]
    of_recipes = [(field, "field of a recipe") for field in RECIPE_FIELDS]
    return [*codes, *names, *fields, *of_recipes]


def _suggestion(word: str) -> str:
    found = _nearest_code(word) or _nearest_name(word)
    if found:
        return f"did you mean `{found}`?"
    return "`deit-spec explain` lists the codes, `deit-spec new NAME -o -` the fields"


def _nearest_code(word: str) -> str | None:
    if not re.fullmatch("DS[0-9]{3}", word.upper()):
        return None
    near = [code for code in CATALOGUE if code[:4] == word[:4].upper()]
    return min(near, key=lambda code: abs(int(code[2:]) - int(word[2:])), default=None)


def _nearest_name(word: str) -> str | None:
    fields = (*_VARIANT, *FIELDS, *(RECIPE_FIELDS if "." in word else ()))
    words = {field: field for field in fields}
    words |= {name.replace("-", "_"): name for name in _CODES}
    found = closest_word(word, words, SYNONYMS)
    return words[found] if found else None
