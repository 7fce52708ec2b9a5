"""From the word that is asked about to a code or a field."""

from typing import NamedTuple

from deit_spec.diagnostics import CATALOGUE
from deit_spec.spec.fields import SYNONYMS, TOP, VARIANT
from deit_spec.spec.suggest import closest_word

FIELDS = (*TOP, *(f"variant.{name}" for name in VARIANT))
"""Every field, those of `variant` with their way."""

_CODES = {entry.name: entry.code for entry in CATALOGUE.values()}
_SHORT = {name: f"variant.{name}" for name in VARIANT}


class Topic(NamedTuple):
    """A code, or a field; the other is empty."""

    code: str = ""
    field: str = ""


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
    raise UnknownTopicError(_way_out(word))


def topics() -> list[tuple[str, str]]:
    """Every word with a line of help, for completion."""
    codes = [(entry.code, entry.summary) for entry in CATALOGUE.values()]
    names = [(entry.name, entry.code) for entry in CATALOGUE.values()]
    return [*codes, *names, *((field, "a field") for field in FIELDS)]


def _way_out(word: str) -> str:
    """Name what may have been meant; a code looks like none of the other words."""
    if word[:2].upper() == "DS" and word[2:].isdigit():
        meant = closest_word(word, [code.lower() for code in CATALOGUE])
        meant = meant and meant.upper()
    else:
        named = {name.replace("-", "_"): name for name in _CODES}
        fields = {field: field for field in (*FIELDS, *VARIANT)}
        found = closest_word(word, {**fields, **named}, SYNONYMS)
        meant = {**fields, **named}[found] if found else None
    if meant:
        return f"did you mean `{meant}`?"
    return "`deit-spec explain` prints the codes, and docs/spec.md the fields"
