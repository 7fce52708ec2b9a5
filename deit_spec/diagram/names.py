"""Many names written as few: `blocks.0–11.attn`."""  # noqa: RUF002

import re
from collections.abc import Iterable, Sequence

from deit_spec.diagram.glyphs import TO

_NUMBER = re.compile(r"(\d+)")


def condense(names: Iterable[str]) -> list[str]:
    """Join neighbours that count up in one number.

    >>> condense(["blocks.0.add2", "blocks.1.add2", "blocks.2.add2", "norm"])
    ['blocks.0–2.add2', 'norm']
    """  # noqa: RUF002
    groups: list[list[list[str]]] = []
    for name in names:
        parts = _NUMBER.split(name)
        if groups and _continues(groups[-1], parts):
            groups[-1].append(parts)
        else:
            groups.append([parts])
    return [_written(group) for group in groups]


def spread(texts: Sequence[str], joint: str) -> str:
    """Write texts that differ in some words as one, `joint` between these words.

    >>> spread(["part 0 of 3", "part 1 of 3"], ", ")
    'part 0, 1 of 3'
    """
    if len(set(texts)) == 1:
        return texts[0]
    words = [text.split(" ") for text in texts]
    if len({len(row) for row in words}) > 1:
        return joint.join(texts)
    columns = zip(*words, strict=True)
    return " ".join(joint.join(dict.fromkeys(column)) for column in columns)


def _differs(one: list[str], other: list[str]) -> list[int]:
    if len(one) != len(other):
        return []
    pairs = enumerate(zip(one, other, strict=True))
    return [place for place, (a, b) in pairs if a != b]


def _continues(group: list[list[str]], parts: list[str]) -> bool:
    places = _differs(group[-1], parts)
    if len(places) != 1 or not places[0] % 2:
        return False
    if len(group) > 1 and _differs(group[0], group[1]) != places:
        return False
    return int(parts[places[0]]) == int(group[-1][places[0]]) + 1


def _written(group: list[list[str]]) -> str:
    first, last = group[0], group[-1]
    pairs = zip(first, last, strict=True)
    return "".join(a if a == b else f"{a}{TO}{b}" for a, b in pairs)
