"""pydantic's errors as diagnostics: each at its place, each with the way out."""

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from deit_spec.diagnostics import Diagnostic, Label, diagnose
from deit_spec.spec.field_names import ELSEWHERE, SPEC, Vocabulary, opened_in, pair_in
from deit_spec.spec.fixes import DIGITS, OF_POINTS, SWITCHES, Fixes, decimal_of
from deit_spec.spec.nearest import closest_word, listed
from deit_spec.spec.schema import plain_name
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


_PAIR = re.compile(r"([A-Za-z_][\w-]*) *[:=] *([^\s:=]+?),?(?=\s|$)")
_PAIRS = re.compile(rf"{_PAIR.pattern}(?:\s+{_PAIR.pattern})*")
_UNIT = re.compile(r"""(?<=\d)(?: *(?:x|px|%)|(?: +|(?=["'/;(<]))\D*)$""")
"""What may follow a number: a unit, a comment of another language, a lone quote."""
_AROUND = "()[]{}<>,;:= \t\u201c\u201d\u2018\u2019\u200b"
_ANNOTATION = re.compile(r"[a-z]+ *= *")
"""A type of Python, before the default of a field."""
_OF_BASE = re.compile(r"0(?:x[\da-f]+|o[0-7]+|b[01]+)")
_THOUSANDS = re.compile(r"\d{1,3}(?:([,' ])\d{3})(?:\1\d{3})*")
_DECIMAL = re.compile(r"\d+,\d+")
_BETWEEN = re.compile(r" *[x×*,] *| +")
_PRODUCT = re.compile(r"(\d{1,9}) *[*×] *(\d{1,9})")
_NO = re.compile(r"(?:no|disable|without)_(\w+)")


def right_type(
    path: Path, value: object, wanted: str, written: str, words: Vocabulary = SPEC
) -> str:
    """Say how to write a value as what is wanted, such as `an integer`.

    `written` is what stands in the text, where it is known.
    """
    name = path[-1]
    if wanted in {"an integer", "a number"}:
        exact = decimal_of(written) if isinstance(value, float) else None
        near = _near(value if exact is None else exact, whole=wanted == "an integer")
        if wanted == "an integer" and OF_POINTS.fullmatch(written):
            near.append(int(written.replace(".", "")))
        if fitting := [number for number in near if words.fits(path, number)]:
            return listed([f"`{name}: {number!r}`" for number in fitting])
    if wanted == "true or false":
        switch = _switch(value) if isinstance(value, str) else None
        both = f"`{name}: true` or `{name}: false`"
        return f"`{name}: {switch}`" if switch else both
    if name == "extends" and not isinstance(value, str):
        only = value[0] if isinstance(value, list) and len(value) == 1 else None
        return f"`{name}: {only}`" if type(only) is str else default(path, words)
    if wanted == "a string" and isinstance(value, int | float):
        text = written or value_text(value)
        if words.fits(path, text):
            return f'`{name}: "{text}"`'
    if wanted == "a mapping":
        return _mend_mapping(name, value, written)
    return default(path, words)


def _switch(value: str) -> str | None:
    """What a text most likely says that stands where true or false does."""
    word = value.lower().strip(_AROUND)
    meant = closest_word(word, SWITCHES) if len(word) > 1 else None
    return {"y": "true", "n": "false"}.get(word) or SWITCHES.get(meant or word)


def _mend_mapping(name: str, value: object, written: str) -> str:
    if isinstance(value, str) and _PAIRS.fullmatch(value):
        pairs = [f"`{key}: {item}`" for key, item in _PAIR.findall(value)]
        lines = (
            "each on a line of its own" if len(pairs) > 1 else "on a line of its own"
        )
        return f"write {listed(pairs, 'and')}, with a space, {lines}"
    is_list = isinstance(value, list) and all(isinstance(item, dict) for item in value)
    if is_list and written.startswith("-"):
        return f"write the keys of `{name}` without `-`"
    return f"leave `{name}` out, or write its keys under it, indented"


def _near(value: object, *, whole: bool) -> list[float]:
    """The numbers that a value of another type most likely means."""
    if isinstance(value, list) and value and value.count(value[0]) == len(value):
        value = value[0]
    if whole and isinstance(value, str):  # nothing is a hundredth of an integer
        value = value.rstrip("% ")
    number = _as_number(value)
    if number is None:
        return []
    if whole:
        return sorted({math.floor(number), math.ceil(number)})
    return [float(number)]


def _as_number(value: object) -> float | Decimal | None:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, str | float | int):
        return None
    try:
        number = _read(value) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _read(text: str) -> float:
    """Read what is a number but for its surroundings: `6,`, `224x224`, `64 * 3`."""
    # A `#` begins no comment behind a word.
    text = text[:DIGITS].partition("#")[0].strip(_AROUND).lower()
    text = _ANNOTATION.sub("", text)
    if _OF_BASE.fullmatch(text):
        return float(int(text, 0))
    first, *more = _BETWEEN.split(text)
    if more and all(part == first for part in more):
        return float(first)
    if found := _PRODUCT.fullmatch(text):
        return float(int(found[1]) * int(found[2]))
    if found := _THOUSANDS.fullmatch(text):
        return float(text.replace(found[1], ""))
    if _DECIMAL.fullmatch(text):
        return float(text.replace(",", "."))
    # `4x` and `224px` begin with what they mean, and `10%` is 0.1.
    return float(_UNIT.sub("", text)) / (100 if text.endswith("%") else 1)


def opposite(path: Path, value: object, words: Vocabulary = SPEC) -> str | None:
    """Say what a key such as `no_qkv_bias` asks for, of the field without `no_`."""
    *outer, key = path
    found = _NO.fullmatch(key.lower().replace("-", "_"))
    meant = words.meant_by((*outer, found[1])) if found else ()
    if not meant or not words.is_known(meant) or key in ELSEWHERE:
        return None
    if words.model_of(meant).model_fields[meant[-1]].annotation is bool:
        if not isinstance(value, bool | None):
            return None
        text = value_text(value is False)
    elif value not in (True, None) or (off := words.default_of(meant)):
        return None
    else:
        text = value_text(off)
    *place, name = meant
    where = "" if place == outer else ", under `variant`" if place else ", at the top"
    return f"write `{name}: {text}` in its place{where}"


def percent(path: Path, value: float, words: Vocabulary = SPEC) -> str | None:
    """A rate of 10 is most likely one of 0.1."""
    if not 1 < value < 100:  # noqa: PLR2004  -- percent
        return None
    rate = value / 100
    if not words.fits(path, rate):
        return None
    return f"`{path[-1]}: {rate!r}` is {value_text(value)} percent"


def default(path: Path, words: Vocabulary = SPEC) -> str:
    """Say what the field is when it is left out."""
    if path == ("name",):  # the file's, by default
        return "leave `name` out, or write one word"
    found = words.default_of(path)
    if found is ...:
        return f"for example, `{path[-1]}: {value_text(words.example_of(path))}`"
    value = value_text(found)
    if value == "null":
        return f"leave `{path[-1]}` out, or write `{path[-1]}: null`"
    return f"`{path[-1]}: {value}` is the default"
