"""Folds what is equal in consecutive blocks: `blocks.0-11.norm1`."""

import re
from collections.abc import Hashable, Iterator, Sequence
from itertools import groupby

_NUMBER = re.compile(r"(?<=\.)\d+(?=\.|$)")


def fold(items: Sequence[tuple[str, Hashable]]) -> Iterator[tuple[str, list[int]]]:
    """Merge the paths of consecutive blocks that have equal keys.

    Yields each folded path with the indices of the items that it represents.

    >>> list(fold([("norm", 1), ("blocks.0", 2), ("blocks.1", 2), ("blocks.2", 3)]))
    [('norm', [0]), ('blocks.0-1', [1, 2]), ('blocks.2', [3])]
    """
    alike: dict[tuple[str, Hashable], list[int]] = {}
    for index, (path, key) in enumerate(items):
        alike.setdefault((_NUMBER.sub("{}", path, count=1), key), []).append(index)
    for same in alike.values():
        numbered = ((_number(items[index][0]), index) for index in same)
        for _, run in groupby(enumerate(numbered), lambda each: each[1][0] - each[0]):
            indices = [index for _, (_, index) in run]
            yield span(items[indices[0]][0], items[indices[-1]][0]), indices


def span(first: str, last: str) -> str:
    """Write two texts that differ in the numbers of blocks as one.

    >>> span("blocks.0.norm1", "blocks.11.norm1")
    'blocks.0-11.norm1'
    """
    ends = iter(_NUMBER.findall(last))

    def write(number: re.Match[str]) -> str:
        end = next(ends)
        return end if end == number[0] else f"{number[0]}-{end}"

    return _NUMBER.sub(write, first)


def without_block(text: str, path: str) -> str:
    """Replace the number of the block of a path in a text.

    >>> without_block("layer.3.norm", "blocks.3.norm1.bias")
    'layer.{}.norm'
    """
    own = _NUMBER.search(path)
    return _NUMBER.sub(
        lambda each: "{}" if own and each[0] == own[0] else each[0], text
    )


def _number(path: str) -> int:
    found = _NUMBER.search(path)
    return int(found[0]) if found else 0


def block_of(path: str) -> str:
    """The block that a layer is in, `blocks.3`; empty for other layers."""
    found = _NUMBER.search(path)
    return path[: found.end()] if found else ""
