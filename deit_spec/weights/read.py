"""Checkpoints from files and directories, recognised by what is in them."""

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from deit_spec.diagnostics.printable import reason_of
from deit_spec.weights import safetensors_file, torch_file
from deit_spec.weights.checkpoint import Checkpoint, Progress, no_progress
from deit_spec.weights.locate import DEEPEST, items_of
from deit_spec.weights.unwrap import Unwrapped, unwrap
from deit_spec.weights.weight_findings import WeightsError, damaged, refuse, shown

CONFIG = "config.json"
WHOLE = ("model.safetensors", "pytorch_model.bin")
SHARDED = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
JSON_BYTES = 32_000_000
HEAD_BYTES = 64

_OTHERS = (
    (b"version https://git-lfs", "a pointer of Git LFS", "run `git lfs pull`"),
    (b"<", "HTML or XML", "fetch the file itself: this is a page about it"),
    (b"\x1f\x8b", "a gzip archive", "unpack it"),
    (b"BZh", "a bzip2 archive", "unpack it"),
    (b"\xfd7zXZ", "an xz archive", "unpack it"),
    (b"\x28\xb5\x2f\xfd", "a zstandard archive", "unpack it"),
    (b"\x89HDF", "an HDF5 file", ""),
    (b"\x93NUMPY", "a NumPy array", ""),
    (b"GGUF", "a GGUF file", ""),
    (b"{", "JSON", "name the directory, or the file of weights beside it"),
)


def files_of(path: Path) -> list[Path]:
    """All that is read of a checkpoint, and the directory itself where it is one."""
    inside = list(path.iterdir()) if path.is_dir() else [path.parent / CONFIG]
    return [path, *inside]


def open_checkpoint(
    path: str | os.PathLike[str],
    *,
    entry: str | None = None,
    progress: Progress = no_progress,
) -> Checkpoint:
    """Open a checkpoint: a file, or a directory as Hugging Face lays it out.

    The format is told by the content, whatever the file is called. Nothing in a
    file is run. `entry` is the key to take where a file holds several models.

    Raises:
        WeightsError: The checkpoint cannot be read, or holds no state dict.
    """
    name = str(path)
    if not name:
        raise refuse("DS401", "the name is empty", name)
    if "\0" in name:
        raise refuse("DS401", "the name is none that a file can have", name)
    try:
        # Tensors that are made in inference mode never train.
        with torch.inference_mode(mode=False):
            return _open(Path(path), name, entry, progress)
    except OSError as error:
        reason = reason_of(error)
        message = f"the checkpoint cannot be read: {reason}"
        raise refuse("DS401", message, name) from None


def _open(path: Path, name: str, entry: str | None, progress: Progress) -> Checkpoint:
    if path.is_dir():
        return _directory(path, name, entry, progress)
    kind, value = _file(path, name, progress)
    found = unwrap(value, name, entry)
    return _checkpoint(name, kind, found, _config_beside(path))


def _checkpoint(
    name: str, kind: str, found: Unwrapped, config: dict[str, Any]
) -> Checkpoint:
    tensors, prefix, path, beside, _ = found
    return Checkpoint(name, kind, tensors, path, beside, config, prefix)


def _file(path: Path, name: str, progress: Progress) -> tuple[str, object]:
    """Read one file, in the format that its first bytes show."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise refuse("DS401", "the checkpoint is not there", name) from None
    if not stat.S_ISREG(mode):
        raise refuse("DS401", "the checkpoint is no regular file", name)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    # First, for the length of a header may look like the beginning of a pickle.
    if safetensors_file.looks_like(head):
        return "safetensors", safetensors_file.read(path, name)
    if head.startswith(torch_file.ZIP):
        return "torch, zip", torch_file.read_zip(path, name, progress)
    if torch_file.PICKLE.match(head):
        return "torch, before 1.6", torch_file.read_pickle(path, name)
    raise _unknown(head.lstrip(), name)


def _unknown(head: bytes, name: str) -> WeightsError:
    if not head:
        return damaged(name, "it is empty")
    for start, what, help_ in _OTHERS:
        if head.startswith(start):
            message = f"the file is {what}, no checkpoint"
            return refuse("DS402", message, name, helps=[help_] if help_ else [])
    return refuse(
        "DS402",
        "the file is neither safetensors nor one that torch.save wrote",
        name,
        notes=[f"it begins with {head[:8].hex(' ')}"],
    )


def _directory(
    folder: Path, name: str, entry: str | None, progress: Progress
) -> Checkpoint:
    config = _json(folder / CONFIG) if (folder / CONFIG).is_file() else {}
    for file in WHOLE:
        if (folder / file).is_file():
            path = folder / file
            kind, value = _file(path, str(path), progress)
            found = unwrap(value, str(path), entry)
            return _checkpoint(name, f"directory, {kind}", found, config)
    for file in SHARDED:
        if (folder / file).is_file():
            found = _shards(folder / file, entry, progress)
            return _checkpoint(name, "directory, shards", found, config)
    raise refuse(
        "DS401",
        "the directory holds no weights",
        name,
        notes=[f"looked for {', '.join([*WHOLE, *SHARDED])}"],
    )


def _shards(index: Path, entry: str | None, progress: Progress) -> Unwrapped:
    """The tensors of all the files that an index names, joined and then unwrapped."""
    places = _json(index).get("weight_map")
    if not isinstance(places, Mapping) or not all(map(_is_name, places.values())):
        raise damaged(str(index), "`weight_map` does not lead from names to files")
    whole: dict[object, object] = {}
    for file in sorted(set(places.values())):
        path = index.parent / file
        if not path.exists():
            message = f"{index.name} names {shown(file)}, which is not there"
            raise refuse("DS401", message, str(index.parent))
        try:
            whole = _join(whole, _file(path, str(path), progress)[1])
        except _TwiceError as error:
            raise damaged(str(index), f"two files hold {shown(str(error))}") from None
    found = unwrap(whole, str(index), entry)
    held = {f"{found.prefix}{key}" for key in found.tensors}
    if absent := sorted(places.keys() - held.union(found.aside)):
        raise damaged(str(index), f"no file holds {shown(absent[0])}")
    return found


class _TwiceError(Exception):
    """Two shards hold a tensor of one name."""


def _join(
    one: dict[object, object], other: object, depth: int = DEEPEST
) -> dict[object, object]:
    """Join what two shards hold, and the mappings that both have under a key."""
    joined = dict(one)
    for key, item in items_of(other).items():
        old = joined.get(key)
        if isinstance(old, Tensor):
            raise _TwiceError(key)
        both = depth and isinstance(old, dict) and isinstance(item, dict)
        joined[key] = _join(items_of(old), item, depth - 1) if both else item
    return joined


def _is_name(value: object) -> bool:
    """Whether a shard is called by a plain name, which leads to no other place."""
    return (
        isinstance(value, str)
        and value not in {"", ".", ".."}
        and not (set(value) & {"/", "\\", "\0"})
    )


def _config_beside(path: Path) -> dict[str, Any]:
    """The config of a file's own folder, where there is one that can be read."""
    beside = path.parent / CONFIG
    try:
        return _json(beside) if beside.is_file() else {}
    except (OSError, WeightsError):
        return {}


def _json(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        data = file.read(JSON_BYTES + 1)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or len(data) > JSON_BYTES:
        raise damaged(str(path), "it is no JSON mapping")
    return value
