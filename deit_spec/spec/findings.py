"""pydantic's errors as diagnostics: each at its place, each with the way out."""

from collections.abc import Callable, Mapping
from typing import Any

from deit_spec.diagnostics import Diagnostic, Label, diagnose
from deit_spec.spec.fields import opened_in, pair_in
from deit_spec.spec.fixes import Fixes
from deit_spec.spec.helps import default, opposite, percent, right_type
from deit_spec.spec.schema import plain_name
from deit_spec.spec.suggest import closest_word, listed
from deit_spec.yaml_source import Document
from deit_spec.yaml_source.scalars import scalar_text, value_text

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
_WITHOUT_DASHES = "write one `key: value` a line, without `-`"
_FIRST_LINE = "write one `key: value` a line, such as `embed_dim: 768`"
_BOUNDS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}


def find_in(error: Error, fixes: Fixes) -> Diagnostic:
    """Turn one of pydantic's errors into a diagnostic."""
    # Of a key that is no text pydantic says the key alone.
    path = tuple(str(part) for part in error["loc"]) or (str(error["input"]),)
    kind = error["type"]
    makers: dict[str, Callable[[Path, Error, Fixes], Diagnostic]] = {
        "extra_forbidden": _unknown_key,
        "invalid_key": _no_string,
        "literal_error": _not_allowed,
        "string_pattern_mismatch": _bad_name,
        "string_too_long": _bad_name,
        "string_unicode": _bad_name,
        "finite_number": _not_finite,
        **dict.fromkeys(_BOUNDS, _out_of_range),
    }
    if not fixes.words.is_known(path):
        makers["string_unicode"] = _unknown_key
    return makers.get(kind, _wrong_type)(path, error, fixes)


def no_mapping(document: Document) -> Diagnostic:
    """Say that a document is not a mapping of fields."""
    span = document.nearest(()).value
    source = document.source
    has_dashes = source.text.startswith("-", span.start)
    return diagnose(
        "DS105",
        "a spec is a mapping of keys to values",
        Label(span, describe(document.value)),
        helps=[_WITHOUT_DASHES if has_dashes else _FIRST_LINE],
    )


def describe(value: object) -> str:
    """Say what a value is, as a person reads it in YAML."""
    if value is None or isinstance(value, bool):
        return value_text(value)
    if isinstance(value, str):
        return f'the string "{_cut(value)}"'
    if isinstance(value, float):
        return f"the number {value!r}"
    if isinstance(value, int):
        return "an integer"
    if isinstance(value, list | tuple):
        return "a list"
    return "a mapping" if isinstance(value, dict) else f"of type {type(value).__name__}"


def _unknown_key(path: Path, error: Error, fixes: Fixes) -> Diagnostic:
    meant = fixes.words.meant_by(path)
    mend = fixes.rename if meant[:-1] == path[:-1] else fixes.move
    fix = mend(path, meant[-1]) if meant != path else None
    return diagnose(
        "DS101",
        f"unknown key `{_cut(path[-1])}`",
        Label(fixes.document.nearest(path).key, "no such key"),
        helps=[
            _comment(path)
            or _there_already(path, meant, fixes)
            or _split(path, meant, error["input"])
            or _opened(path, meant, error["input"], fixes)
            or _around(path, meant, error["input"], fixes)
            or _indented(path, meant)
            or opposite(path, error["input"], fixes.words)
            or fixes.words.where_it_belongs(path)
        ],
        fix=fix or fixes.split(path),
    )


def _no_string(path: Path, error: Error, fixes: Fixes) -> Diagnostic:
    """A key of a mapping from Python; YAML's own are found by the reader."""
    *outer, _ = path
    key = error["input"]
    place = (*outer, key if type(key) is int else str(key))
    return diagnose(
        "DS005",
        f"a key is {describe(key)}, not a string",
        Label(fixes.document.nearest(place).key),
        helps=["the keys of a spec are the names of its fields"],
    )


def _comment(path: Path) -> str | None:
    """Say that a key begins as a comment does in other languages."""
    sign = path[-1][:2]
    return f"write `#` in place of `{sign}`" if sign in {"//", "/*"} else None


def _there_already(path: Path, meant: Path, fixes: Fixes) -> str | None:
    """Say that the field that was meant is written as well, by any of its names."""
    there = meant if meant in fixes.document.spans else fixes.first_meaning(meant)
    entry = fixes.document.spans.get(there)
    if (
        path in {meant, there}
        or fixes.words.is_mapping(meant)
        or entry is None
        or fixes.document.nearest(path).source is not fixes.document.source
        or entry.source is not fixes.document.source
    ):
        return None
    return f"remove it, or `{'.'.join(there)}` in line {entry.key.line}"


def _split(path: Path, meant: Path, value: object) -> str | None:
    """Say that a key without a value is a key with one, but for a space."""
    written = path[-1].partition("#")[0].rstrip()
    pair = pair_in(written) if value is None else None
    if pair is None or meant == path:
        return None
    key = meant[-1] if meant[:-1] == path[:-1] else pair[0]
    how = "" if " " in written else ", with a space"
    return f"write `{key}: {pair[1]}`{how}"


def _opened(path: Path, meant: Path, value: object, fixes: Fixes) -> str | None:
    """Say that a key with a brace in it is a key with a mapping, but for a space."""
    opened, entry = opened_in(path[-1]), fixes.document.nearest(path)
    if not opened or not fixes.words.is_mapping(meant) or not isinstance(value, str):
        return None
    if not value.endswith("}") or entry.key.line != entry.value.end_line:
        return None
    return f"write `{meant[-1]}: {opened[1]}: {value}`, with a space"


def _around(path: Path, meant: Path, value: object, fixes: Fixes) -> str | None:
    """Say that the keys of a mapping belong a level up, where they are fields."""
    if not isinstance(value, dict) or len(path) > 1 or fixes.words.is_mapping(meant):
        return None
    inner = [fixes.words.meant_by((str(key),)) for key in value]
    is_spec = all(map(fixes.words.is_known, inner)) and {*map(len, inner)} >= {1}
    return f"write its keys in place of `{path[0]}:`, at the top" if is_spec else None


def _indented(path: Path, meant: Path) -> str | None:
    """Say that what stands before a key is not the spaces that it looks like."""
    blank = path[-1][:1]
    if blank.isalnum() or not blank.isspace() or meant[:-1] == path[:-1]:
        return None
    return f"use spaces in place of the U+{ord(blank):04X} before it"


def _wrong_type(path: Path, error: Error, fixes: Fixes) -> Diagnostic:
    wanted = _WANTED.get(error["type"], "another type")
    if wanted == "a number" and type(error["input"]) is int:
        return _too_large(path, fixes)
    return diagnose(
        "DS102",
        f"{_dotted(path)} is not {wanted}",
        Label(fixes.document.nearest(path).value, f"{describe(error['input'])}"),
        helps=[
            right_type(path, error["input"], wanted, fixes.written(path), fixes.words)
        ],
        fix=fixes.retype(path, error["type"], error["input"]),
    )


def _out_of_range(path: Path, error: Error, fixes: Fixes) -> Diagnostic:
    key, words = _BOUNDS[error["type"]]
    bound = error["ctx"][key]
    return diagnose(
        "DS103",
        f"{_dotted(path)} is not {words} {bound:g}",
        Label(fixes.document.nearest(path).value, _cut(value_text(error["input"]))),
        helps=[
            percent(path, error["input"], fixes.words) or default(path, fixes.words)
        ],
    )


def _not_finite(path: Path, error: Error, fixes: Fixes) -> Diagnostic:  # noqa: ARG001
    return diagnose(
        "DS103",
        f"{_dotted(path)} is not a finite number",
        Label(fixes.document.nearest(path).value),
        helps=[default(path, fixes.words)],
    )


def _too_large(path: Path, fixes: Fixes) -> Diagnostic:
    """Refuse an integer from Python; those of YAML are bounded by the reader."""
    return diagnose(
        "DS103",
        f"{_dotted(path)} is further from 0 than any float",
        Label(fixes.document.nearest(path).value),
        helps=[default(path, fixes.words)],
    )


def _not_allowed(path: Path, error: Error, fixes: Fixes) -> Diagnostic:
    allowed = [word.strip("'") for word in _split_expected(error["ctx"]["expected"])]
    value = error["input"]
    meant = closest_word(value, allowed) if isinstance(value, str) else None
    first, *more = [f"`{word}`" for word in allowed]
    choices = listed([f"`{path[-1]}: {allowed[0]}`", *more])
    return diagnose(
        "DS104",
        f"{_dotted(path)} is none of its values",
        Label(fixes.document.nearest(path).value, describe(value)),
        helps=[f"did you mean `{path[-1]}: {meant}`?" if meant else choices],
        notes=[f"it takes {listed([first, *more])}"] if meant else [],
        fix=fixes.choose(path, meant, value) if meant else None,
    )


def _split_expected(expected: str) -> list[str]:
    return expected.replace(" or ", ", ").split(", ")


def _bad_name(path: Path, error: Error, fixes: Fixes) -> Diagnostic:
    return diagnose(
        "DS107",
        "the name is not one word of at most 60 characters",
        Label(fixes.document.nearest(path).value),
        notes=["a name has letters, digits and `_.+-`, and begins with none of `.+-`"],
        helps=[f"`name: {scalar_text(plain_name(error['input']))}`"],
    )


def _dotted(path: Path) -> str:
    return ".".join(path)


def _cut(text: str, most: int = 40) -> str:
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= most else f"{text[: most - 1]}…"
