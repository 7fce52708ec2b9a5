"""From the word that is asked about to a code or a field."""

import re
from typing import NamedTuple

from deit_spec.diagnostics import CATALOGUE
from deit_spec.explain.recipe_field import RECIPE_FIELDS
from deit_spec.spec.field_names import SYNONYMS, TOP, VARIANT
from deit_spec.spec.nearest import closest_word

FIELDS = (*TOP, *(f"variant.{name}" for name in VARIANT))
"""Every field, those of `variant` with their way."""

_CODES = {entry.name: entry.code for entry in CATALOGUE.values()}
_SHORT = {name: f"variant.{name}" for name in VARIANT}


class Topic(NamedTuple):
    """A code, a field of a spec, or one of a recipe; the others are empty."""

    code: str = ""
    field: str = ""
    recipe_field: str = ""


class UnknownTopicError(LookupError):
    """A word is neither a code, its name nor a field; the message is the way out."""


def find(word: str) -> Topic:
    """Find what a word means: `DS203`, `unknown-key`, `embed_dim`, `drop_path`.

    Raises:
        UnknownTopicError: It means nothing.
    """
    if word.upper() in CATALOGUE:
        return Topic(code=word.upper())
    if word.lower() in _CODES:
        return Topic(code=_CODES[word.lower()])
    field = _SHORT.get(word.lower(), word.lower())
    if field in FIELDS:
        return Topic(field=field)
    if word.lower() in RECIPE_FIELDS:
        return Topic(recipe_field=word.lower())
    raise UnknownTopicError(_way_out(word))


def topics() -> list[tuple[str, str]]:
    """Every word with a line of help, for completion."""
    codes = [(entry.code, entry.summary) for entry in CATALOGUE.values()]
    names = [(entry.name, entry.code) for entry in CATALOGUE.values()]
    fields = [(field, "a field") for field in FIELDS]
    of_recipes = [(field, "a field of recipes") for field in RECIPE_FIELDS]
    return [*codes, *names, *fields, *of_recipes]


def _way_out(word: str) -> str:
    meant = _meant_code(word) or _meant_word(word)
    if meant:
        return f"did you mean `{meant}`?"
    return "`deit-spec explain` prints the codes, `deit-spec new NAME -o -` the fields"


def _meant_code(word: str) -> str | None:
    """The code next to one that does not exist."""
    if not re.fullmatch("DS[0-9]{3}", word.upper()):
        return None
    near = [code for code in CATALOGUE if code[:4] == word[:4].upper()]
    return min(near, key=lambda code: abs(int(code[2:]) - int(word[2:])), default=None)


def _meant_word(word: str) -> str | None:
    """The field or the name that looks most like a word."""
    named = {name.replace("-", "_"): name for name in _CODES}
    fields = (*FIELDS, *VARIANT, *(RECIPE_FIELDS if "." in word else ()))
    words = {**{field: field for field in fields}, **named}
    found = closest_word(word, words, SYNONYMS)
    return words[found] if found else None
