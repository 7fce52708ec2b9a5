"""From what a file holds to named tensors."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from deit_spec.weights.problems import WeightsError, refuse, some

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

DEEPEST = 3
LONGEST = 80
"""How much of a key is told."""


class Unwrapped(NamedTuple):
    """Named tensors, what stood before every name, and what was around them.

    `path` is the keys that the tensors were under, `beside` the other keys there.
    """

    tensors: dict[str, Tensor]
    prefix: str
    path: tuple[str, ...]
    beside: tuple[str, ...]


def unwrap(value: object, name: str, entry: str | None = None) -> Unwrapped:
    """Find the state dict in what a file holds.

    `entry` is the key to take where a file holds several, such as `model_ema`, or
    keys with dots between them.

    Raises:
        WeightsError: There is none, or a tensor of it is of no use.
    """
    path = () if entry is None else _find(items_of(value), entry)
    if path is None:
        raise _no_entry(value, str(entry), name)
    beside: list[str] = []
    for key in path:
        beside += _others(value, key)
        value = items_of(value)[key]
    for _ in range(DEEPEST):
        held = items_of(value)
        found = next((k for k in ENTRIES if isinstance(held.get(k), dict)), None)
        if found is None:
            break
        beside += _others(value, found)
        value = held[found]
        path = (*path, found)
    tensors, others = _tensors(value, name)
    prefix = _prefix(tensors)
    plain = {key.removeprefix(prefix): tensor for key, tensor in tensors.items()}
    return Unwrapped(plain, prefix, path, (*beside, *others))


def items_of(value: object) -> dict[object, object]:
    """The items of a mapping, and none where it is none.

    A pickle may give an ordered dict attributes, which would hide its methods.
    """
    return dict(dict.items(value)) if isinstance(value, dict) else {}


def _find(held: dict[object, object], entry: str) -> tuple[str, ...] | None:
    """The keys that lead to a mapping: one with dots in it comes before several."""
    if isinstance(held.get(entry), dict):
        return (entry,)
    parts = entry.split(".")
    for end in range(len(parts) - 1, 0, -1):
        first, rest = ".".join(parts[:end]), ".".join(parts[end:])
        if path := _find(items_of(held.get(first)), rest):
            return (first, *path)
    return None


def _no_entry(value: object, entry: str, name: str) -> WeightsError:
    keys = _mappings(value)
    return refuse(
        "DS405",
        f"the file has no state dict under the key `{entry}`",
        name,
        notes=[f"it has mappings under {some(map(_title, keys))}"] if keys else [],
    )


def _mappings(value: object) -> list[object]:
    """The keys of the mappings in a mapping."""
    return [key for key, item in items_of(value).items() if isinstance(item, dict)]


def _others(value: object, taken: str) -> list[str]:
    return [_title(key) for key in items_of(value) if key != taken]


def _title(key: object) -> str:
    """A key as messages name it; anything that can be hashed may be one."""
    if isinstance(key, str):
        return key if len(key) <= LONGEST else f"{key[:LONGEST]}…"
    kind = type(key).__name__
    plain = key is None or isinstance(key, bool | int | float)
    return f"{key!r} ({kind})" if plain else f"a {kind}"


def _tensors(value: object, name: str) -> tuple[dict[str, Tensor], list[str]]:
    """The named tensors of a mapping, and what else it has."""
    found: dict[str, Tensor] = {}
    others: list[str] = []
    for key, item in items_of(value).items():
        if isinstance(key, str) and isinstance(item, Tensor):
            found[key] = _usable(item, key, name)
        else:
            others.append(_title(key))
    if not found:
        raise refuse(
            "DS405",
            "the file holds no state dict",
            name,
            notes=[f"it holds a {type(value).__name__} without named tensors"],
            helps=["save `model.state_dict()`", *_entries(value)],
        )
    return found, others


def _entries(value: object) -> list[str]:
    """Name the keys under which there may be a state dict."""
    keys = [key for key in _mappings(value) if isinstance(key, str)]
    if not keys:
        return []
    names = some(map(_title, keys))
    return [f"take what is under a key: `--key`, or `entry=` in Python, of {names}"]


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
    if tensor.device.type != "cpu":
        return f"is on the device {tensor.device.type}"
    return None


def _prefix(names: Iterable[str]) -> str:
    """What stands before every name."""
    found = ""
    for prefix in PREFIXES * DEEPEST:
        if all(name.startswith(found + prefix) for name in names):
            found += prefix
    return found
