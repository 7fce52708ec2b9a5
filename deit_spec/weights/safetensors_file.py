"""Files of safetensors: mapped by the library, written as it writes them."""

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

from deit_spec.weights.checkpoint import Progress, no_progress
from deit_spec.weights.weight_findings import damaged, refuse, shown

LENGTH_BYTES = 8
HEADER_BYTES = 100_000_000
"""The longest header that the format allows."""
REASON = 300
"""How much of what the library says is told; it may repeat the whole header."""
ALIGNMENT = 8

_NAMES = {
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
}
_RANKS = tuple(_NAMES)
"""The library writes wider types first, and these in the opposite order."""


def looks_like(head: bytes) -> bool:
    """Tell by the first bytes of a file whether it can be one."""
    length = int.from_bytes(head[:LENGTH_BYTES], "little")
    starts = head[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{"
    return starts and length <= HEADER_BYTES


def read(path: Path, name: str) -> dict[str, Tensor]:
    """Map the tensors of a file. They are private: writing to one changes no file.

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
    """Give what a file says beside its tensors; nothing where it cannot be read."""
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError):
        return {}


def _tensor(file: Any, key: str, name: str) -> Tensor:
    entry = file.get_slice(key)
    # With a side of 0 the others are in no number of bytes that the library checks.
    if math.prod(filter(None, entry.get_shape())) > sys.maxsize:
        raise damaged(name, f"the shape of {shown(key)} is that of no tensor")
    try:
        tensor: Tensor = file.get_tensor(key)
    except (SafetensorError, AttributeError) as error:
        raise refuse(
            "DS407",
            f"{shown(key)} is of the type {entry.get_dtype()}, which torch lacks",
            name,
            notes=[str(error).partition("\n")[0][:REASON]],
            helps=["save the tensors as float32, float16 or bfloat16"],
        ) from None
    return tensor


def write(
    file: BinaryIO,
    tensors: Mapping[str, Tensor],
    progress: Progress = no_progress,
    *,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write floating-point tensors of the CPU, byte for byte as the library does.

    The library would write a file that its owner alone may read, say nothing until
    all is written, and raise no OSError for a full disk. `safetensors.torch` would
    want NumPy as well.
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
    """The memory of a contiguous tensor, which must outlive the view."""
    if not tensor.nbytes:
        return memoryview(b"")
    return memoryview((ctypes.c_char * tensor.nbytes).from_address(tensor.data_ptr()))
