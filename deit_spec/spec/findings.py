"""pydantic's errors as diagnostics: each at its place, each with the way out."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from deit_spec.diagnostics import Diagnostic, Label, diagnose
from deit_spec.source import Document
from deit_spec.spec import fixes
from deit_spec.spec.fields import SYNONYMS, TOP, VARIANT, default_of, fits
from deit_spec.spec.places import plain
from deit_spec.spec.suggest import closest_word, listed

Error = Mapping[str, Any]
Path = tuple[str, ...]

_WANTED = {
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a string",
    "model_type": "a mapping",
    "dict_type": "a mapping",
}
_BOUNDS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
}


def find_in(error: Error, document: Document) -> Diagnostic:
    """Turn one of pydantic's errors into a diagnostic."""
    path = tuple(str(part) for part in error["loc"])
    kind = error["type"]
    makers: dict[str, Callable[[Path, Error, Document], Diagnostic]] = {
        "extra_forbidden": _unknown_key,
        "invalid_key": _no_string,
        "literal_error": _not_allowed,
        "string_pattern_mismatch": _bad_name,
        "string_too_long": _bad_name,
        "string_unicode": _bad_name,
        "finite_number": _not_finite,
        **dict.fromkeys(_BOUNDS, _out_of_range),
    }
    return makers.get(kind, _wrong_type)(path, error, document)


def describe(value: object) -> str:
    """Say what a value is, as a person reads it in YAML."""
    if value is None or isinstance(value, bool):
        return plain(value)
    if isinstance(value, str):
        return f'the string "{_cut(value)}"'
    if isinstance(value, float):
        return f"the number {value!r}"
    if isinstance(value, int):
        return "an integer"
    if isinstance(value, list | tuple):
        return "a list"
    return "a mapping" if isinstance(value, dict) else f"a {type(value).__name__}"


def _unknown_key(path: Path, error: Error, document: Document) -> Diagnostic:  # noqa: ARG001
    key = path[-1]
    help_, meant = _where_it_belongs(key, inside_variant=len(path) > 1)
    mend = fixes.move if meant.elsewhere else fixes.rename
    return diagnose(
        "DS101",
        f"unknown key `{_cut(key)}`",
        Label(document.nearest(path).key, "no such key"),
        helps=[help_],
        fix=mend(path, meant.word, document) if meant.word else None,
    )


def _no_string(path: Path, error: Error, document: Document) -> Diagnostic:
    """A key of a mapping from Python; YAML's own are found by the reader."""
    *outer, _ = path
    key = error["input"]
    place = (*outer, key if isinstance(key, int) else str(key))
    return diagnose(
        "DS005",
        f"a key is {describe(key)}, not a string",
        Label(document.nearest(place).key),
        helps=["the keys of a spec are the names of its fields"],
    )


class _Meant(NamedTuple):
    """The field that an unknown key may have meant, and whether it is elsewhere."""

    word: str | None = None
    elsewhere: bool = False


def _where_it_belongs(key: str, *, inside_variant: bool) -> tuple[str, _Meant]:
    here, there = (VARIANT, TOP) if inside_variant else (TOP, VARIANT)
    place = "at the top level" if inside_variant else "under `variant`"
    if key in there:
        return f"`{key}` belongs {place}", _Meant(key, elsewhere=True)
    elsewhere = SYNONYMS.get(key) in there
    if not elsewhere and (meant := closest_word(key, here, SYNONYMS)):
        return f"did you mean `{meant}`?", _Meant(meant)
    if meant := closest_word(key, there, SYNONYMS):
        help_ = f"did you mean `{meant}`, which belongs {place}?"
        return help_, _Meant(meant, elsewhere=True)
    names = listed([f"`{name}`" for name in here], "and")
    return f"the keys are {names}", _Meant()


def _wrong_type(path: Path, error: Error, document: Document) -> Diagnostic:
    wanted = _WANTED.get(error["type"], "another type")
    return diagnose(
        "DS102",
        f"{_dotted(path)} is not {wanted}",
        Label(document.nearest(path).value, f"{describe(error['input'])}"),
        helps=[_mend_type(path, error)],
        fix=fixes.retype(path, error["type"], error["input"], document),
    )


def _mend_type(path: Path, error: Error) -> str:
    name, number = path[-1], _as_number(error["input"])
    if error["type"] in {"int_type", "float_type"} and number is not None:
        whole = {math.floor(number), math.ceil(number)}
        near = sorted(whole) if error["type"] == "int_type" else [number]
        fitting = [value for value in near if fits(path, value)]
        if fitting:
            return listed([f"`{name}: {value!r}`" for value in fitting])
    if error["type"] == "bool_type":
        return f"`{name}: true` or `{name}: false`"
    if error["type"] in {"model_type", "dict_type"}:
        return f"write the keys of `{name}` under it, indented"
    return _default(path)


def _as_number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | float | int):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _out_of_range(path: Path, error: Error, document: Document) -> Diagnostic:
    key, words = _BOUNDS[error["type"]]
    bound = error["ctx"][key]
    return diagnose(
        "DS103",
        f"{_dotted(path)} is not {words} {bound:g}",
        Label(document.nearest(path).value, _cut(plain(error["input"]))),
        helps=[_default(path)],
    )


def _not_finite(path: Path, error: Error, document: Document) -> Diagnostic:  # noqa: ARG001
    return diagnose(
        "DS103",
        f"{_dotted(path)} is not a finite number",
        Label(document.nearest(path).value),
        helps=[_default(path)],
    )


def _not_allowed(path: Path, error: Error, document: Document) -> Diagnostic:
    allowed = [word.strip("'") for word in _split_expected(error["ctx"]["expected"])]
    value = error["input"]
    meant = closest_word(value, allowed) if isinstance(value, str) else None
    choices = listed([f"`{word}`" for word in allowed])
    return diagnose(
        "DS104",
        f"{_dotted(path)} is none of its values",
        Label(document.nearest(path).value, describe(value)),
        helps=[f"did you mean `{path[-1]}: {meant}`?" if meant else choices],
        notes=[f"it takes {choices}"] if meant else [],
        fix=fixes.choose(path, meant, value, document) if meant else None,
    )


def _split_expected(expected: str) -> list[str]:
    return expected.replace(" or ", ", ").split(", ")


def _bad_name(path: Path, error: Error, document: Document) -> Diagnostic:  # noqa: ARG001
    return diagnose(
        "DS107",
        "the name is not one word of at most 60 characters",
        Label(document.nearest(path).value),
        helps=["letters, digits and `_.+-`, the first a letter, a digit or `_`"],
    )


def _default(path: Path) -> str:
    default = plain(default_of(path))
    if default == "null":
        return f"leave `{path[-1]}` out, or write `{path[-1]}: null`"
    return f"`{path[-1]}: {default}` is the default"


def _dotted(path: Path) -> str:
    return ".".join(path)


def _cut(text: str, most: int = 40) -> str:
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= most else f"{text[: most - 1]}…"
