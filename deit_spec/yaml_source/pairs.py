"""Pairs in braces that a comma parts: `{"init", "deit"}`, and `{size: (224, 224)}`."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple, Protocol

from deit_spec.diagnostics import Diagnostic, Span
from deit_spec.yaml_source import yaml_findings as problems
from deit_spec.yaml_source.document import IsKey
from deit_spec.yaml_source.positions import Positions


class Place(Protocol):
    """Where a key stands: between two offsets."""

    @property
    def start(self) -> int:
        """The offset of its first character."""

    @property
    def end(self) -> int:
        """The offset after its last one."""


class Parted(NamedTuple):
    """A key, and what is no other key but a part of its value, by their names."""

    key: str
    rest: str
    problem: Diagnostic


def find_parted(
    positions: Positions,
    keys: Mapping[str, Place],
    value: Mapping[str, object],
    is_key: IsKey,
) -> Iterator[Parted]:
    """Find what a comma has made two keys of."""
    for key, rest in pairwise(keys):
        one, other = keys[key], keys[rest]
        if _is_for_colon(key, rest, value, is_key) and is_comma(positions, one, other):
            yield Parted(key, rest, comma_for_colon(positions, one, other))
        elif _is_in_parentheses(value.get(key), rest):
            first, second, span = _both(positions, one, other)
            if second.startswith(('"', "'")):  # a part of the text in these
                continue
            yield Parted(key, rest, problems.parentheses(first, second, span))


def is_comma(positions: Positions, one: Place, other: Place) -> bool:
    """Whether there is a comma between two keys, and no value."""
    return positions.text(one.end, other.start).strip(" \t:") == ","


def comma_for_colon(positions: Positions, one: Place, other: Place) -> Diagnostic:
    """Report a comma between a key and its value."""
    return problems.comma_for_colon(*_both(positions, one, other))


def _is_for_colon(
    one: str, other: str, value: Mapping[str, object], is_key: IsKey
) -> bool:
    """Whether a key without a value is before a word without one, which is no key."""
    if value.get(one) is not None or value.get(other) is not None:
        return False
    return is_key(one) and not is_key(other)


def _is_in_parentheses(first: object, other: str) -> bool:
    """Whether a value that begins with `(` is before a key that ends with `)`."""
    opens = isinstance(first, str) and first.startswith("(") and ")" not in first
    return opens and other.endswith(")") and "(" not in other


def _both(positions: Positions, one: Place, other: Place) -> tuple[str, str, Span]:
    first = positions.text(one.start, one.end)
    second = positions.text(other.start, other.end)
    return first, second, positions.span(one.start, other.end)
