"""From what a file holds to named tensors."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from deit_spec.weights.locate import (
    DEEPEST,
    find_models,
    items_of,
    keys_of,
    tensors_of,
)
from deit_spec.weights.weight_findings import WeightsError, refuse, shown, some

ENTRIES = (
    "model",
    "state_dict",
    "model_state_dict",
    "model_ema",
    "state_dict_ema",
    "ema",
    "module",
)
"""Keys under which training scripts keep a state dict; the first one there is taken."""

PREFIXES = ("module.", "_orig_mod.", "model.")
"""What wrappers of a model (data parallel, torch.compile) put before every name."""


REPEATED_BYTES = 1 << 24
"""How much larger than its storage a tensor may be: `expand` itself takes nothing."""


class Unwrapped(NamedTuple):
    """Named tensors, what stood before every name, and what was around them.

    `path` is the keys that the tensors were under, `beside` the other keys there,
    and `aside` the names there that the prefix is not before.
    """

    tensors: dict[str, Tensor]
    prefix: str
    path: tuple[str, ...]
    beside: tuple[str, ...]
    aside: tuple[str, ...]


class _Place(NamedTuple):
    """What is held under some keys, and the other keys on the way there."""

    held: object
    path: tuple[str, ...]
    beside: tuple[str, ...]


def unwrap(value: object, name: str, entry: str | None = None) -> Unwrapped:
    """Find the state dict in what a file holds.

    `entry` is the key to take where a file holds several, such as `model_ema`, or
    keys with dots between them; the last of them may be the beginnings of names.

    Raises:
        WeightsError: There is none, there are several, or a tensor is of no use.
    """
    place, prefix = _locate(value, name, entry)
    tensors = tensors_of(place.held)
    if not tensors:
        raise _no_tensors(value, place.held, name)
    names = [key.removeprefix(prefix) for key in tensors if key.startswith(prefix)]
    prefix += _prefix(names, name, entry)
    plain, aside = {}, []
    for key, tensor in tensors.items():
        if key.startswith(prefix):
            plain[key.removeprefix(prefix)] = _usable(tensor, key, name)
        else:
            aside.append(key)
    others = [_title(key) for key in items_of(place.held) if key not in tensors]
    beside = (*place.beside, *others, *map(shown, aside))
    return Unwrapped(plain, prefix, place.path, beside, tuple(aside))


def _locate(value: object, name: str, entry: str | None) -> tuple[_Place, str]:
    """Find what is held under an entry, and what then stands before the names.

    Raises:
        WeightsError: There is nothing.
    """
    if entry is None:
        return _walk(value, ()), ""
    if path := _find(items_of(value), entry):
        return _walk(value, path), ""
    parts = entry.split(".")
    for end in reversed(range(len(parts))):
        path = _find(items_of(value), ".".join(parts[:end])) if end else ()
        prefix = ".".join((*parts[end:], ""))
        if path is not None:
            place = _walk(value, path)
            if any(key.startswith(prefix) for key in tensors_of(place.held)):
                return place, prefix
    raise _no_entry(value, entry, name)


def _walk(value: object, path: tuple[str, ...]) -> _Place:
    """Go where some keys lead, and on from there where scripts keep a state dict."""
    beside: list[str] = []
    for key in path:
        beside += _others(value, key)
        value = items_of(value)[key]
    for _ in range(DEEPEST):
        held = items_of(value)
        found = next((k for k in ENTRIES if _has_tensors(held.get(k))), None)
        if found is None:
            break
        beside += _others(value, found)
        value = held[found]
        path = (*path, found)
    return _Place(value, path, tuple(beside))


def _has_tensors(value: object, depth: int = DEEPEST) -> bool:
    """Whether a mapping holds named tensors, itself or where scripts keep them."""
    if tensors_of(value):
        return True
    held = items_of(value)
    return depth > 0 and any(_has_tensors(held.get(k), depth - 1) for k in ENTRIES)


def _find(held: dict[object, object], entry: str) -> tuple[str, ...] | None:
    """The keys that lead to a mapping: one with dots in it comes before several."""
    if isinstance(held.get(entry), dict):
        return (entry,)
    parts = entry.split(".")
    for end in range(len(parts) - 1, 0, -1):
        first, rest = ".".join(parts[:end]), ".".join(parts[end:])
        below = items_of(held.get(first))
        if below and (path := _find(below, rest)):
            return (first, *path)
    return None


def _no_entry(value: object, entry: str, name: str) -> WeightsError:
    keys = _mappings(value)
    return refuse(
        "DS405",
        f"the file has no state dict under the key `{shown(entry)}`",
        name,
        notes=[f"it has mappings under {some(map(_title, keys))}"] if keys else [],
        helps=_ways(keys_of(value)),
    )


def _no_tensors(value: object, held: object, name: str) -> WeightsError:
    return refuse(
        "DS405",
        "the file holds no state dict",
        name,
        notes=[f"it holds a {type(held).__name__} without named tensors"],
        helps=["save `model.state_dict()`", *_ways(keys_of(value))],
    )


def _ways(keys: list[str]) -> list[str]:
    """Name the keys under which there are tensors, as they are to be typed."""
    typed = [key for key in keys if key == shown(key)]
    words = "take what is under a key: `--key`, or `entry=` in Python, of"
    return [f"{words} {some(typed)}"] if typed else []


def _mappings(value: object) -> list[object]:
    """The keys of the mappings in a mapping."""
    return [key for key, item in items_of(value).items() if isinstance(item, dict)]


def _others(value: object, taken: str) -> list[str]:
    return [_title(key) for key in items_of(value) if key != taken]


def _title(key: object) -> str:
    """A key as messages name it; anything that can be hashed may be one."""
    if isinstance(key, str):
        return shown(key)
    kind = type(key).__name__
    plain = key is None or isinstance(key, bool | int | float)
    return f"{key!r} ({kind})" if plain else f"a {kind}"


def _usable(tensor: Tensor, key: str, name: str) -> Tensor:
    """A plain tensor without history, or the reason why it is none."""
    what = _oddity(tensor)
    if what is None:
        # By the class, for a pickle may give a parameter an attribute of that name.
        return Tensor.detach(tensor).resolve_conj().resolve_neg()
    raise refuse(
        "DS407",
        f"{_title(key)} {what}",
        name,
        helps=["save dense floating-point tensors"],
    )


def _oddity(tensor: Tensor) -> str | None:
    if type(tensor) not in (Tensor, nn.Parameter):
        return f"is a {type(tensor).__name__}, no plain tensor"
    if tensor.is_nested:
        return "is nested: it has no shape"
    if tensor.is_meta:
        return "has no data, only a shape"
    if tensor.layout is not torch.strided or tensor.is_quantized:
        return "is sparse or quantised"
    return _oddity_of_data(tensor)


def _oddity_of_data(tensor: Tensor) -> str | None:
    if tensor.device.type != "cpu":
        return f"is on the device {tensor.device.type}"
    if tensor.nbytes > tensor.untyped_storage().nbytes() + REPEATED_BYTES:
        return "repeats its numbers, and would take far more than its file"
    return None


def _prefix(names: list[str], name: str, entry: str | None) -> str:
    """What stands before the names of the model; others may be beside it.

    Raises:
        WeightsError: There are several models.
    """
    models = find_models(names)
    if len(models) == 1:
        return models[0]
    if models:
        keys = [".".join(filter(None, (entry, each[:-1]))) for each in models]
        raise refuse(
            "DS405",
            f"the file holds {len(models)} models, and one can be taken",
            name,
            notes=[f"their names begin with {some(models)}"],
            helps=_ways(keys),
        )
    return _before_all(names)


def _before_all(names: Iterable[str]) -> str:
    """What wrappers put before every name."""
    found = ""
    for prefix in PREFIXES * DEEPEST:
        if all(name.startswith(found + prefix) for name in names):
            found += prefix
    return found
