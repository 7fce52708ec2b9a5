"""What would mend a value, in words: the help of a finding on one field."""

import math
import re
from decimal import Decimal, InvalidOperation

from deit_spec.spec.fields import ELSEWHERE
from deit_spec.spec.suggest import closest_word, listed
from deit_spec.spec.vocabulary import SPEC, Vocabulary
from deit_spec.yaml_source.scalars import value_text

Path = tuple[str, ...]

SWITCHES = {
    **dict.fromkeys(("true", "yes", "on"), "true"),
    **dict.fromkeys(("false", "no", "off"), "false"),
}
"""What a text says that stands where true or false does."""
OF_POINTS = re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+")
"""A number with points between thousands, where it is no decimal."""
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
_DIGITS = 400
"""More than the numbers of any field have; of more, Python takes its time."""
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


def decimal_of(written: str) -> Decimal | None:
    """The number that digits say, all of them; None where they say none."""
    try:
        number = Decimal(written)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < _DIGITS else None


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
    text = text[:_DIGITS].partition("#")[0].strip(_AROUND).lower()
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
