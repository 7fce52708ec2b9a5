"""Pairs in braces that a comma parts: `{"init", "deit"}`, and `{size: (224, 224)}`."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple, Protocol

from deit_spec.source.positions import Positions
from deit_spec.source.slips import IsKey


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


def with_comma_for_colon(
    positions: Positions,
    keys: Mapping[str, Place],
    value: Mapping[str, object],
    is_key: IsKey,
) -> Iterator[Parted]:
    """Find a key without a value before a word without one, which is no key."""
    for one, other in pairwise(keys):
        if value.get(one) is None and value.get(other) is None:
            between = positions.text(keys[one].end, keys[other].start)
            if _is_comma(between) and is_key(one) and not is_key(other):
                yield Parted(one, other)


def in_parentheses(
    keys: Mapping[str, Place], value: Mapping[str, object]
) -> Iterator[Parted]:
    """Find a value that begins with `(` before a key that ends with `)`."""
    for one, other in pairwise(keys):
        first = value.get(one)
        opens = isinstance(first, str) and first.startswith("(") and ")" not in first
        if opens and other.endswith(")") and "(" not in other:
            yield Parted(one, other)


def _is_comma(text: str) -> bool:
    return text.strip(" \t:") == ","
