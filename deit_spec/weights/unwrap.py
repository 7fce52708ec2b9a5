"""From what a file holds to named tensors."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from deit_spec.weights.problems import refuse, some

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


class Unwrapped(NamedTuple):
    """Named tensors, the keys that they were under, and the other keys there."""

    tensors: dict[str, Tensor]
    path: tuple[str, ...]
    beside: tuple[str, ...]


def unwrap(value: object, name: str, entry: str | None = None) -> Unwrapped:
    """Find the state dict in what a file holds.

    `entry` is the key to take where a file holds several, such as `model_ema`.

    Raises:
        WeightsError: There is none, or a tensor of it is of no use.
    """
    path: list[str] = []
    beside: list[str] = []
    if entry is not None:
        value = _entry(value, entry, name, beside)
        path.append(entry)
    while isinstance(value, Mapping) and len(path) < DEEPEST:
        key = next((k for k in ENTRIES if isinstance(value.get(k), Mapping)), None)
        if key is None:
            break
        beside += [str(other) for other in value if other != key]
        value = value[key]
        path.append(key)
    tensors, others = _tensors(value, name)
    return Unwrapped(_strip(tensors), tuple(path), (*beside, *others))


def _entry(value: object, entry: str, name: str, beside: list[str]) -> object:
    if isinstance(value, Mapping) and isinstance(value.get(entry), Mapping):
        beside += [str(other) for other in value if other != entry]
        return value[entry]
    keys = (
        [str(k) for k, v in value.items() if isinstance(v, Mapping)]
        if isinstance(value, Mapping)
        else []
    )
    raise refuse(
        "DS405",
        f"the file has no state dict under the key `{entry}`",
        name,
        notes=[f"it has mappings under {some(keys)}"] if keys else [],
    )


def _tensors(value: object, name: str) -> tuple[dict[str, Tensor], list[str]]:
    """The named tensors of a mapping, and what else it has."""
    found: dict[str, Tensor] = {}
    others: list[str] = []
    for key, item in value.items() if isinstance(value, Mapping) else ():
        if isinstance(key, str) and isinstance(item, Tensor):
            found[key] = _usable(item.detach(), key, name)
        else:
            others.append(str(key))
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
    if not isinstance(value, Mapping):
        return []
    keys = [str(key) for key, item in value.items() if isinstance(item, Mapping)]
    if not keys:
        return []
    return [
        f"take what is under a key: `--key`, or `entry=` in Python, of {some(keys)}"
    ]


def _usable(tensor: Tensor, key: str, name: str) -> Tensor:
    is_plain = tensor.layout is torch.strided and not tensor.is_quantized
    if is_plain and not tensor.is_meta:
        return tensor
    what = "has no data, only a shape" if tensor.is_meta else "is sparse or quantised"
    raise refuse(
        "DS407",
        f"{key} {what}",
        name,
        helps=["save dense floating-point tensors"],
    )


def _strip(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Take off what stands before every name."""
    for prefix in PREFIXES * DEEPEST:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {
                name.removeprefix(prefix): tensor for name, tensor in tensors.items()
            }
    return tensors
