"""What would mend a value, in words: the help of a finding on one field."""

import math
import re

from deit_spec.spec.places import plain
from deit_spec.spec.suggest import listed
from deit_spec.spec.vocabulary import SPEC, Vocabulary

Path = tuple[str, ...]

SWITCHES = {
    **dict.fromkeys(("true", "yes", "on"), "true"),
    **dict.fromkeys(("false", "no", "off"), "false"),
}
"""What a text says that stands where true or false does."""
_PAIR = re.compile(r"([A-Za-z_]\w*):(\S+)")
_UNIT = re.compile(r"(?<=\d) *(?:x|px|%)$")


def right_type(path: Path, value: object, wanted: str, words: Vocabulary = SPEC) -> str:
    """Say how to write a value as what is wanted, such as `an integer`."""
    name = path[-1]
    if wanted in {"an integer", "a number"}:
        near = _near(value, whole=wanted == "an integer")
        if fitting := [number for number in near if words.fits(path, number)]:
            return listed([f"`{name}: {number!r}`" for number in fitting])
    if wanted == "true or false":
        switch = SWITCHES.get(value.lower()) if isinstance(value, str) else None
        both = f"`{name}: true` or `{name}: false`"
        return f"`{name}: {switch}`" if switch else both
    if name == "extends" and not isinstance(value, str):
        return default(path, words)
    if wanted == "a string" and isinstance(value, int | float):
        return f'`{name}: "{plain(value)}"`'
    if wanted == "a mapping":
        return _mend_mapping(name, value)
    return default(path, words)


def _mend_mapping(name: str, value: object) -> str:
    if isinstance(value, str) and (pair := _PAIR.fullmatch(value)):
        return f"write `{pair[1]}: {pair[2]}`, with a space, on a line of its own"
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return f"write the keys of `{name}` without `-`"
    return f"leave `{name}` out, or write its keys under it, indented"


def _near(value: object, *, whole: bool) -> list[float]:
    """The numbers that a value of another type most likely means."""
    if isinstance(value, list) and value and value.count(value[0]) == len(value):
        value = value[0]
    number = _as_number(value)
    if number is None:
        return []
    return sorted({math.floor(number), math.ceil(number)}) if whole else [number]


def _as_number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | float | int):
        return None
    # `4x` and `224px` begin with what they mean, and `10%` is 0.1.
    text = _UNIT.sub("", value) if isinstance(value, str) else value
    try:
        number = float(text) / (100 if str(value).endswith("%") else 1)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def percent(path: Path, value: float, words: Vocabulary = SPEC) -> str | None:
    """A rate of 10 is most likely one of 0.1."""
    if not 1 < value < 100:  # noqa: PLR2004  -- percent
        return None
    rate = value / 100
    if not words.fits(path, rate):
        return None
    return f"`{path[-1]}: {rate!r}` is {plain(value)} percent"


def default(path: Path, words: Vocabulary = SPEC) -> str:
    """Say what the field is when it is left out."""
    found = words.default_of(path)
    if found is ...:
        return f"for example, `{path[-1]}: {plain(words.example_of(path))}`"
    value = plain(found)
    if value == "null":
        return f"leave `{path[-1]}` out, or write `{path[-1]}: null`"
    return f"`{path[-1]}: {value}` is the default"
