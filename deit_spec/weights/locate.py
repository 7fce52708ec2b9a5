"""Where in a file the models are: under which keys, behind which prefixes."""

from collections.abc import Iterable, Iterator

from torch import Tensor

from deit_spec.weights.naming_schemes import DIALECTS
from deit_spec.weights.weight_findings import shown

DEEPEST = 3
"""How many keys may lead to a model."""

_PROJECTION = "patch_embed.proj.weight"
_MARKS = (_PROJECTION, "cls_token", "pos_embed", "blocks.0.norm1.weight")
"""What every DeiT has, one tensor of each part."""
_WAYS = tuple(
    tuple(name for mark in _MARKS for name in dialect.write(mark) or ())
    for dialect in DIALECTS
)
_PROJECTIONS = sorted({way[0] for way in _WAYS}, key=len, reverse=True)


def items_of(value: object) -> dict[object, object]:
    """The items of a mapping, and none where it is none.

    A pickle may give an ordered dict attributes, which would hide its methods.
    """
    return dict(dict.items(value)) if isinstance(value, dict) else {}


def tensors_of(value: object) -> dict[str, Tensor]:
    """The named tensors of a mapping."""
    return {
        key: item
        for key, item in items_of(value).items()
        if isinstance(key, str) and isinstance(item, Tensor)
    }


def find_models(names: Iterable[str]) -> list[str]:
    """What stands before the names of each whole model, in O(names).

    A model within another one is a part of it.

    >>> find_models(["cls_token", "pos_embed"])
    []
    """
    given = set(names)
    found: list[str] = []
    for prefix in sorted({before for name in given for before in _before(name)}):
        if found and prefix.startswith(found[-1]):
            continue
        if any(given.issuperset(prefix + each for each in way) for way in _WAYS):
            found.append(prefix)
    return found


def _before(name: str) -> Iterator[str]:
    """What stands before the name of a patch projection, if it is one."""
    for projection in _PROJECTIONS:
        if name == projection or name.endswith(f".{projection}"):
            yield name.removesuffix(projection)
            return


def keys_of(value: object) -> list[str]:
    """The keys of all named tensors of a file, as they are typed for `--key`.

    Where a mapping holds several models they are the models' keys. Each mapping is
    looked at once, for a pickle may hold one in many places, or in itself.
    """
    found: list[str] = []
    seen = {id(value)}
    level: list[tuple[str, object]] = [("", value)]
    for _ in range(DEEPEST + 1):
        below: list[tuple[str, object]] = []
        for path, held in level:
            names = tensors_of(held)
            models = find_models(names)
            if len(models) > 1:
                found += [path + model.removesuffix(".") for model in models]
            elif names and path:
                found.append(path.removesuffix("."))
            for key, item in _typed(held):
                if id(item) not in seen:
                    below.append((f"{path}{key}.", item))
                seen.add(id(item))
        level = below
    return found


def _typed(held: object) -> Iterator[tuple[str, object]]:
    """The mappings in a mapping whose keys can be typed."""
    for key, item in items_of(held).items():
        if isinstance(item, dict) and isinstance(key, str) and key == shown(key):
            yield key, item
