"""Read safetensors files with the library, and write them as it does."""

import ctypes
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from deit_spec.weights.state_dict import Progress, no_progress
from deit_spec.weights.weight_findings import SAVE_AS_FLOAT, damaged, refuse, shown

LENGTH_BYTES = 8
HEADER_BYTES = 100_000_000
"""The longest header that the format allows."""
REASON = 300
"""How many characters of the library's errors are shown; they may quote the file."""
ALIGNMENT = 8

_NAMES = {
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
}
_RANKS = tuple(_NAMES)
"""The library writes tensors in the opposite order of these types."""


def looks_like(head: bytes) -> bool:
    """Whether a file with these first bytes can be a safetensors file."""
    length = int.from_bytes(head[:LENGTH_BYTES], "little")
    starts = head[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{"
    return starts and length <= HEADER_BYTES


def read(path: Path, name: str) -> dict[str, Tensor]:
    """Map the tensors of a file. Writing to them does not change the file.

    Raises:
        WeightsError: The file is truncated or damaged, or torch lacks a type of it.
        OSError: The file cannot be read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {key: _tensor(file, key, name) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        reason = str(error).removeprefix("Error while deserializing header: ")
        raise damaged(name, reason.partition("\n")[0][:REASON]) from None


def metadata_of(path: Path) -> dict[str, str]:
    """The metadata of a file; empty if it cannot be read."""
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError):
        return {}


def _tensor(file: Any, key: str, name: str) -> Tensor:
    entry = file.get_slice(key)
    # The library checks numbers of bytes, which are 0 if one dimension is 0.
    if math.prod(filter(None, entry.get_shape())) > sys.maxsize:
        raise damaged(name, f"the shape of {shown(key)} is too large")
    try:
        tensor: Tensor = file.get_tensor(key)
    except (SafetensorError, AttributeError) as error:
        raise refuse(
            "DS407",
            f"{shown(key)} has the type {entry.get_dtype()}, which torch does not have",
            name,
            notes=[str(error).partition("\n")[0][:REASON]],
            helps=[SAVE_AS_FLOAT],
        ) from None
    return tensor


def write(
    file: BinaryIO,
    tensors: Mapping[str, Tensor],
    progress: Progress = no_progress,
    *,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write floating-point tensors on the CPU, byte for byte as the library does.

    Unlike the library it writes to an open file, reports progress, raises OSError on
    a full disk, and does not need NumPy.
    """
    order = sorted(tensors, key=lambda key: (-_RANKS.index(tensors[key].dtype), key))
    header: dict[str, Any] = {"__metadata__": {"format": "pt", **(metadata or {})}}
    total = 0
    for key in order:
        start, total = total, total + tensors[key].nbytes
        header[key] = {
            "dtype": _NAMES[tensors[key].dtype],
            "shape": list(tensors[key].shape),
            "data_offsets": [start, total],
        }
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    file.write(len(text).to_bytes(LENGTH_BYTES, "little") + text)
    done = 0
    for key in order:
        tensor = tensors[key].contiguous()
        file.write(_bytes(tensor))
        done += tensor.nbytes
        progress("writing", done, total)


def _bytes(tensor: Tensor) -> memoryview:
    """The memory of a contiguous tensor. The tensor must outlive the view."""
    if not tensor.nbytes:
        return memoryview(b"")
    return memoryview((ctypes.c_char * tensor.nbytes).from_address(tensor.data_ptr()))
