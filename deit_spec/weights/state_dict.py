"""Find the state dict in what a file contains."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from torch import Tensor

from deit_spec.weights.checkpoint import Checkpoint
from deit_spec.weights.model_prefix import find_incomplete_models, find_models
from deit_spec.weights.weight_findings import help_with_keys, refuse, shown, some
from deit_spec.weights.wrapped_names import WRAPPERS, unwrap_name, unwrap_names

ENTRIES = (
    "model",
    "state_dict",
    "model_state_dict",
    "model_ema",
    "state_dict_ema",
    "ema",
    "module",
)
"""Keys under which training scripts save a state dict, the preferred ones first."""

PREFIXES = ("model.", *(f"{wrapper}." for wrapper in WRAPPERS))
"""What is removed from the start of the names of other networks, if all have it."""

DEEPEST = 8
"""How many keys may lead to a model."""
MOST_MAPPINGS = 10_000
"""How many mappings are visited: in a pickle, one may contain itself many times."""

EXPANDED_BYTES = 1 << 24
"""How much larger than its storage a tensor may be: `expand` itself uses no memory."""


StateDicts: TypeAlias = dict[tuple[str, ...], dict[str, Tensor]]


def unwrap(
    value: object,
    name: str,
    format_: str,
    *,
    entry: str | None = None,
    config: Mapping[str, Any],
) -> Checkpoint:
    """Find the state dict in what a file contains, at the key `entry` if it is set."""
    found = find_state_dicts(value)
    chosen = _choose(found, entry)
    if chosen is None:
        where = f" under the key `{shown(entry)}`" if entry is not None else ""
        keys = find_keys(found) or [".".join(path) for path in found if path]
        message = f"the file has no state dict{where}"
        helps = ["save `model.state_dict()`", *help_with_keys(keys)]
        raise refuse("DS405", message, name, helps=helps)
    path, prefix = chosen
    tensors = found[path]
    names = [key.removeprefix(prefix) for key in tensors if key.startswith(prefix)]
    models = find_models(names)
    keys = [] if models else find_keys(found)
    prefix += _find_prefix(names, models, name, entry)
    plain = {
        key.removeprefix(prefix): _usable(tensor, key, name)
        for key, tensor in tensors.items()
        if key.startswith(prefix)
    }
    outside = (shown(key) for key in tensors if not key.startswith(prefix))
    beside = (*_beside(value, path), *outside)
    return Checkpoint(
        name, format_, plain, path, beside, config, prefix, models=(*keys,)
    )


def find_keys(found: StateDicts) -> list[str]:
    """The keys of all complete models of a file."""
    keys: list[str] = []
    unique = {id(tensors): tensors for tensors in found.values()}
    models_of = {key: find_models(tensors) for key, tensors in unique.items()}
    for path, tensors in found.items():
        models = models_of[id(tensors)]
        # A prefix need not be said where there is only one.
        ends = [()] if len(models) == 1 and path else [(each[:-1],) for each in models]
        keys += [".".join(filter(None, (*path, *end))) for end in ends]
    return [key for key in keys if key]


def find_state_dicts(value: object) -> StateDicts:
    """Find every mapping with tensors by the keys to it; names lose their wrappers."""
    found: StateDicts = {}
    queue: list[tuple[tuple[str, ...], object]] = [((), value)]
    # A pickle may contain the same mapping many times.
    parts: dict[int, tuple[dict[str, Tensor], dict[str, object]]] = {}
    for path, held in queue:
        if id(held) not in parts:
            tensors, items = tensors_of(held), items_of(held).items()
            names = unwrap_names(tensors)
            parts[id(held)] = (
                {names[key]: tensor for key, tensor in tensors.items()},
                {key: item for key, item in items if isinstance(item, dict)},
            )
        tensors, inner = parts[id(held)]
        if tensors:
            found[path] = tensors
        if len(queue) > MOST_MAPPINGS:
            break
        if len(path) < DEEPEST:
            queue += [((*path, key), item) for key, item in inner.items()]
    return found


def _choose(found: StateDicts, entry: str | None) -> tuple[tuple[str, ...], str] | None:
    """Choose a state dict and a prefix of its names; None if there is none."""
    ranked = []
    whole = "" if entry is None else f"{entry}."
    for path, tensors in found.items():
        for end in range(len(path) + 1):
            if not set(path[end:]).issubset(ENTRIES):
                continue
            start = "".join(f"{key}." for key in path[:end])
            prefix = unwrap_name(whole.removeprefix(start))
            is_prefix = any(name.startswith(prefix) for name in tensors)
            if not whole.startswith(start) or not is_prefix:
                continue
            # To go on is better than to stop, and the first keys are the best.
            wrapped = (*map(ENTRIES.index, path[end:]), len(ENTRIES))
            ranked.append((len(prefix), end, wrapped, path, prefix))
    return min(ranked)[3:] if ranked else None


def _beside(value: object, path: tuple[str, ...]) -> Iterator[str]:
    """The keys that do not lead to the tensors at the end of a path."""
    for key in path:
        held = items_of(value)
        yield from (shown(other) for other in held if other != key)
        value = held[key]
    tensors = tensors_of(value)
    yield from (shown(other) for other in items_of(value) if other not in tensors)


def items_of(value: object) -> dict[str, object]:
    """The items of a mapping whose keys are strings; empty for anything else."""
    # A pickle may give an ordered dict attributes, which would hide its methods.
    items = dict.items(value) if isinstance(value, dict) else ()
    return {key: item for key, item in items if isinstance(key, str)}


def tensors_of(value: object) -> dict[str, Tensor]:
    """The named tensors of a mapping."""
    items = items_of(value).items()
    return {key: item for key, item in items if isinstance(item, Tensor)}


def _find_prefix(
    names: list[str], models: list[str], name: str, entry: str | None
) -> str:
    """The prefix of a model's names; there may be other tensors beside the model."""
    models = models or find_incomplete_models(names)
    if len(models) > 1:
        keys = [".".join(filter(None, (entry, each[:-1]))) for each in models]
        raise refuse(
            "DS405",
            f"the file has {len(models)} models, and only one can be loaded",
            name,
            notes=[f"the prefixes of their names are {some(models)}"],
            helps=help_with_keys(keys),
        )
    if models:
        return models[0]
    found = ""
    for prefix in PREFIXES * DEEPEST:
        if all(each.startswith(found + prefix) for each in names):
            found += prefix
    return found


def _usable(tensor: Tensor, key: str, name: str) -> Tensor:
    """Make a plain tensor without history, if the file has about as much data."""
    if tensor.nbytes > tensor.untyped_storage().nbytes() + EXPANDED_BYTES:
        message = f"{shown(key)} is expanded to much more memory than the file has"
        raise refuse("DS407", message, name, helps=["save contiguous tensors"])
    # From the class: a pickle may give a parameter an attribute of that name.
    return Tensor.detach(tensor).resolve_conj().resolve_neg()
