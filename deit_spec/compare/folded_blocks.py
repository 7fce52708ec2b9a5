"""Folds what is equal in consecutive blocks: `blocks.0-11.norm1`."""

import re
from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise

_NUMBER = re.compile(r"(?<=\.)\d+(?=\.|$)")


def fold(items: Sequence[tuple[str, Hashable]]) -> Iterator[tuple[str, list[int]]]:
    """Merge the paths of consecutive blocks that have equal keys.

    Yields each folded path with the indices of the items that it stands for.

    >>> list(fold([("norm", 1), ("blocks.0", 2), ("blocks.1", 2), ("blocks.2", 3)]))
    [('norm', [0]), ('blocks.0-1', [1, 2]), ('blocks.2', [3])]
    """
    alike: dict[tuple[str, Hashable], list[int]] = {}
    for index, (path, key) in enumerate(items):
        alike.setdefault((_NUMBER.sub("{}", path, count=1), key), []).append(index)
    for (path, _), indices in alike.items():
        numbers = [_number(items[index][0]) for index in indices]
        starts = [
            place
            for place, number in enumerate(numbers)
            if place == 0 or number != numbers[place - 1] + 1
        ]
        for start, end in pairwise([*starts, len(indices)]):
            first, last = numbers[start], numbers[end - 1]
            text = str(first) if first == last else f"{first}-{last}"
            yield path.replace("{}", text), indices[start:end]


def _number(path: str) -> int:
    found = _NUMBER.search(path)
    return int(found.group()) if found else 0


def block_of(path: str) -> str:
    """The block that a layer is in, `blocks.3`; empty for other layers."""
    found = _NUMBER.search(path)
    return path[: found.end()] if found else ""
