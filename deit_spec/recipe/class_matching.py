"""Whether two lists of class names are of the same classes, and in which order."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from deit_spec.diagnostics.printable import listed

LIST_ALL = "list each class of the data once; `data.only_classes` leaves classes out"
"""The help for a list that is not one of all classes of the data."""


class Relation(Enum):
    """How the classes of data are related to those of a model."""

    IDENTICAL = "identical"
    PERMUTATION = "permutation"
    SUBSET = "subset"
    DIFFERENT = "different"


@dataclass(frozen=True)
class ClassMatch:
    """The classes of data in terms of those of a model, matched by name.

    `indices` has the index in the model of each class of the data; it is empty for
    different classes. `missing` are only in the model, `unknown` only in the data, and
    `repeated` names cannot be matched.
    """

    relation: Relation
    indices: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()


def match_classes(data: Sequence[str], model: Sequence[str]) -> ClassMatch:
    """Match the class names of data with those of a model.

    >>> match_classes(["b", "a"], ["a", "b"]).indices
    (1, 0)
    >>> match_classes(["c", "a"], ["a", "b", "c"])
    ClassMatch(relation=<Relation.SUBSET: 'subset'>, indices=(2, 0), missing=('b',), \
unknown=(), repeated=())
    """
    if tuple(data) == tuple(model):
        return ClassMatch(Relation.IDENTICAL, tuple(range(len(data))))
    own, index = set(data), {name: number for number, name in enumerate(model)}
    missing = tuple(name for name in model if name not in own)
    unknown = tuple(name for name in data if name not in index)
    repeated = tuple(dict.fromkeys([*_repeated(data), *_repeated(model)]))
    if unknown or repeated:
        return ClassMatch(Relation.DIFFERENT, (), missing, unknown, repeated)
    relation = Relation.SUBSET if missing else Relation.PERMUTATION
    return ClassMatch(relation, tuple(index[name] for name in data), missing)


def differences(match: ClassMatch, data: str, model: str) -> list[str]:
    """The notes on classes that cannot be matched; `data` and `model` name the lists.

    >>> differences(match_classes(["a", "x"], ["a", "b"]), "the data", "the run")
    ['only in the data: x', 'only in the run: b']
    """
    found = {
        f"only in {data}": match.unknown,
        f"only in {model}": match.missing,
        "names that occur twice": match.repeated,
    }
    return [f"{words}: {listed(names)}" for words, names in found.items() if names]


def natural_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names as timm sorts class folders: by the values of numbers, without case.

    >>> natural_order(["10", "2", "B", "a"])
    ('2', '10', 'a', 'B')
    """
    return tuple(sorted(names, key=natural_key))


def natural_key(name: str) -> list[int | str]:
    """A key that sorts numbers in names by their value, and ignores case."""
    pieces = re.split(r"(\d+)", name.lower())
    return [int(piece) if piece.isdecimal() else piece for piece in pieces]


def _repeated(names: Sequence[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
