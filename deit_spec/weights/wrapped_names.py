"""Undo what wrappers such as `torch.compile` and FSDP change in tensor names.

DINOv2 groups its blocks in chunks, `blocks.{chunk}.{block}.`.
"""

import re
from collections.abc import Iterable

WRAPPERS = (
    "module",
    "_orig_mod",
    "_checkpoint_wrapped_module",
    "_fsdp_wrapped_module",
)
"""The attributes in which wrappers keep a module."""
PATCHES = "patch_embed.proj.weight"

_CHUNKED = re.compile(r"(?:^|\.)blocks\.([0-9]{1,6})\.([0-9]{1,6})(?=\.)")


def unwrap_names(names: Iterable[str]) -> dict[str, str]:
    """The name without wrappers of each name; the same names if two become equal.

    Wrappers of the whole model stay, as a prefix that may distinguish two models.
    """
    listed = list(names)
    found = {name: unwrap_name(name) for name in listed}
    numbers = _number_blocks(found.values())
    found = {name: _renumber(plain, numbers) for name, plain in found.items()}
    is_unique = len({*found.values()}) == len(found)
    return found if is_unique else {name: name for name in listed}


def unwrap_name(name: str) -> str:
    """Remove wrappers from a name, except at its start.

    >>> unwrap_name("module.blocks.0._checkpoint_wrapped_module.norm1.weight")
    'module.blocks.0.norm1.weight'
    """
    *modules, last = name.split(".")
    inside = [i for i, part in enumerate(modules) if part not in WRAPPERS]
    start = min(inside, default=len(modules))
    return ".".join([*modules[:start], *(modules[i] for i in inside), last])


def _number_blocks(names: Iterable[str]) -> dict[str, int]:
    """The number of each block by the name of its place in a chunk."""
    listed = set(names)
    chunks: dict[str, set[tuple[int, int]]] = {}
    for name in listed:
        if found := _CHUNKED.search(name):
            blocks = name[: found.start(1)]
            # Networks in stages have such names too, and no patch embedding beside.
            if blocks.removesuffix("blocks.") + PATCHES in listed:
                place = int(found[1]), int(found[2])
                chunks.setdefault(blocks, set()).add(place)
    return {
        f"{blocks}{chunk}.{index}.": number
        for blocks, places in chunks.items()
        for (chunk, index), number in _count(places).items()
    }


def _count(places: set[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """The number of each block, which counts on from chunk to chunk or starts anew."""
    if len({index for _, index in places}) == len(places):
        return {place: place[1] for place in places}
    sizes: dict[int, int] = {}
    for chunk, index in places:
        sizes[chunk] = max(sizes.get(chunk, 0), index + 1)
    before, starts = 0, {}
    for chunk in sorted(sizes):
        starts[chunk] = before
        before += sizes[chunk]
    return {(chunk, index): starts[chunk] + index for chunk, index in places}


def _renumber(name: str, numbers: dict[str, int]) -> str:
    found = _CHUNKED.search(name) if numbers else None
    if found is None or name[: found.end() + 1] not in numbers:
        return name
    number = numbers[name[: found.end() + 1]]
    return f"{name[: found.start(1)]}{number}{name[found.end() :]}"
