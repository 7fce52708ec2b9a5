"""Read and write safetensors files."""

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

from deit_spec.diagnostics.printable import first_line_of
from deit_spec.weights import weight_findings
from deit_spec.weights.weight_findings import damaged, refuse, shown

LENGTH_BYTES = 8
HEADER_BYTES = 100_000_000
"""The longest header that the format allows."""
ALIGNMENT = 8

_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
}
"""What is written, in the order in which the library writes tensors of these types."""


def looks_like(head: bytes) -> bool:
    """Whether a file with these first bytes can be a safetensors file."""
    length = int.from_bytes(head[:LENGTH_BYTES], "little")
    starts = head[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{"
    return starts and length <= HEADER_BYTES


def read(path: Path, name: str) -> dict[str, Tensor]:
    """Map the tensors of a file. Writing to them does not change the file."""
    try:
        with safe_open(path, framework="pt") as file:
            return {key: _tensor(file, key, name) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        reason = first_line_of(error).removeprefix("Error while deserializing header: ")
        raise damaged(name, reason) from None


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
            notes=[first_line_of(error)[: weight_findings.REASON]],
            helps=[weight_findings.SAVE_AS_FLOAT],
        ) from None
    return tensor


def write(
    file: BinaryIO,
    tensors: Mapping[str, Tensor],
    *,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write CPU tensors to a file one at a time, with the bytes of the library."""
    ranks = list(_NAMES)
    order = sorted(tensors, key=lambda key: (ranks.index(tensors[key].dtype), key))
    header: dict[str, Any] = {"__metadata__": {"format": "pt", **(metadata or {})}}
    end = 0
    for key in order:
        tensor = tensors[key]
        start, end = end, end + tensor.nbytes
        header[key] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    file.write(len(text).to_bytes(LENGTH_BYTES, "little") + text)
    for key in order:
        tensor = tensors[key].contiguous()
        if tensor.nbytes:
            memory = (ctypes.c_char * tensor.nbytes).from_address(tensor.data_ptr())
            file.write(memory)
