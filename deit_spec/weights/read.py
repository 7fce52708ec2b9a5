"""Open checkpoints: files and directories, recognised by their content."""

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from deit_spec.diagnostics.printable import reason_of
from deit_spec.recipe.run_files import CONFIG
from deit_spec.weights import safetensors_file, torch_file
from deit_spec.weights.checkpoint import Checkpoint
from deit_spec.weights.state_dict import tensors_of, unwrap
from deit_spec.weights.weight_findings import (
    SAVE_ARRAYS,
    SAVE_UNQUANTISED,
    WeightsError,
    damaged,
    exported,
    refuse,
    shown,
)

INDEX = ".index.json"
WEIGHTS = (
    "model.safetensors",
    "pytorch_model.bin",
    "model.safetensors.index.json",
    "pytorch_model.bin.index.json",
)
"""What a directory is searched for; an index names the files of a sharded model."""
JSON_BYTES = 32_000_000
HEAD_BYTES = 64

_OTHER_FORMATS = (
    (b"version https://git-lfs", "a Git LFS pointer", "run `git lfs pull`"),
    (b"GGUF", "a quantised model of llama.cpp (GGUF)", SAVE_UNQUANTISED),
    (b"\x89HDF", "HDF5 (Keras)", SAVE_ARRAYS),
    (b"\x93NUMPY", "a NumPy array (.npy)", SAVE_ARRAYS),
    (b"<", "HTML or XML", "download the file itself, not the page about it"),
    (b"{", "JSON", "name the directory, or the weights file in it"),
)


def files_of(path: Path) -> list[Path]:
    """Every file that is read of a checkpoint, and the directory if it is one."""
    inside = list(path.iterdir()) if path.is_dir() else [path.parent / CONFIG]
    return [path, *inside]


def open_checkpoint(
    path: str | os.PathLike[str], *, entry: str | None = None
) -> Checkpoint:
    """Open a file or a Hugging Face directory; its format is detected from the content.

    Nothing in a file is executed. `entry` is the key of one of several models. Raises
    WeightsError if the checkpoint cannot be read, or has no state dict.
    """
    name = str(path)
    if "\0" in name:
        raise refuse("DS401", "the name contains a null character", name)
    try:
        # Tensors that are made in inference mode can never be trained.
        with torch.inference_mode(mode=False):
            return _open(Path(path), name, entry)
    except OSError as error:
        message = f"the checkpoint cannot be read: {reason_of(error)}"
        raise refuse("DS401", message, name) from None


def _open(path: Path, name: str, entry: str | None) -> Checkpoint:
    if not path.is_dir():
        kind, value = _file(path, name)
        found = unwrap(value, name, kind, entry=entry, config=_config_beside(path))
        return _with_metadata(found, path)
    config = read_json(path / CONFIG) if (path / CONFIG).is_file() else {}
    for file in (path / each for each in WEIGHTS):
        if file.is_file():
            read = _shards if file.name.endswith(INDEX) else _file
            kind, value = read(file, str(file))
            kind = f"directory, {kind}"
            found = unwrap(value, name, kind, entry=entry, config=config)
            return _with_metadata(found, file)
    notes = [f"looked for {', '.join(WEIGHTS)}"]
    raise refuse("DS401", "no weights file found in the directory", name, notes=notes)


def _with_metadata(found: Checkpoint, path: Path) -> Checkpoint:
    if not found.format.endswith("safetensors"):
        return found
    return replace(found, metadata=safetensors_file.metadata_of(path))


def _file(path: Path, name: str) -> tuple[str, object]:
    """Read one file in the format that its first bytes show."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise refuse("DS401", "the checkpoint does not exist", name) from None
    if not stat.S_ISREG(mode):
        raise refuse("DS401", "the checkpoint is not a regular file", name)
    if path.suffix.lower() in {".onnx", ".xml"}:
        raise exported(name)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    # First, because the length of a header may look like the start of a pickle.
    if safetensors_file.looks_like(head):
        return "safetensors", safetensors_file.read(path, name)
    if head.startswith(torch_file.ZIP):
        return "torch, zip", torch_file.read_zip(path, name)
    if torch_file.PICKLE.match(head):
        return "torch, before 1.6", torch_file.read_legacy(path, name)
    raise _unknown(head.lstrip(), name)


def _unknown(head: bytes, name: str) -> WeightsError:
    if not head:
        return damaged(name, "it is empty")
    for start, what, help_ in _OTHER_FORMATS:
        if head.startswith(start):
            message = f"the file is {what}, not a checkpoint"
            return refuse("DS402", message, name, helps=[help_])
    message = "the file is neither a safetensors file nor a file of torch.save"
    notes = [f"it starts with the bytes {head[:8].hex(' ')}"]
    return refuse("DS402", message, name, notes=notes)


def _shards(index: Path, name: str) -> tuple[str, object]:
    """Join the tensors of all files that an index names."""
    files = read_json(index).get("weight_map")
    if not isinstance(files, Mapping) or not all(map(_is_name, files.values())):
        raise damaged(name, "`weight_map` does not map names to file names")
    joined: dict[str, object] = {}
    for file in sorted(set(files.values())):
        path = index.parent / file
        if not path.exists():
            message = f"{index.name} names {shown(file)}, which does not exist"
            raise refuse("DS401", message, str(index.parent))
        tensors = tensors_of(_file(path, str(path))[1])
        joined |= {key: tensors[key] for key in tensors if files.get(key) == file}
    if missing := sorted(files.keys() - joined.keys()):
        raise damaged(name, f"no file has {shown(missing[0])}")
    return "shards", joined


def _is_name(value: object) -> bool:
    """Whether a shard is in the same directory as the index."""
    if not isinstance(value, str) or value in {"", ".", ".."}:
        return False
    return {"/", "\\", "\0"}.isdisjoint(value)


def _config_beside(path: Path) -> dict[str, Any]:
    """The config in the same directory as a file, if it can be read."""
    beside = path.parent / CONFIG
    try:
        return read_json(beside) if beside.is_file() else {}
    except (OSError, WeightsError):
        return {}


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON mapping; an OSError or a WeightsError if that fails."""
    with path.open("rb") as file:
        data = file.read(JSON_BYTES + 1)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or len(data) > JSON_BYTES:
        raise damaged(str(path), "it is not a JSON mapping")
    return value
