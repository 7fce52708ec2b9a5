"""safetensors files, mapped and written without a copy.

The format: eight bytes with the header's length, little-endian; the header, JSON,
with a dtype, a shape and two offsets for each tensor; then the tensors' bytes,
without holes (https://huggingface.co/docs/safetensors, "Format").
"""

import ctypes
import json
import math
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from deit_spec.weights.checkpoint import Progress, Sizes, no_progress
from deit_spec.weights.problems import damaged

LENGTH_BYTES = 8
HEADER_BYTES = 100_000_000
"""The longest header that the format allows."""
ALIGNMENT = 8
METADATA = "__metadata__"

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E4M3": torch.float8_e4m3fn,
    "C64": torch.complex64,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


class _BadHeaderError(Exception):
    """The header does not describe the file."""


def looks_like(head: bytes) -> bool:
    """Tell by the first bytes of a file whether it can be one."""
    length = int.from_bytes(head[:LENGTH_BYTES], "little")
    starts = head[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{"
    return starts and length <= HEADER_BYTES


def read(path: Path, name: str) -> dict[str, Tensor]:
    """Map the tensors of a file. They are private: writing to one changes no file.

    Raises:
        WeightsError: The file is truncated or damaged.
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    start = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "little")
    if start > size:
        raise damaged(name, f"the header ends at byte {start:,}, the file at {size:,}")
    try:
        entries = _entries(data[LENGTH_BYTES:start], size - start)
    except _BadHeaderError as error:
        raise damaged(name, str(error)) from None
    return {
        key: _view(data, dtype, shape, start + offset)
        for key, (dtype, shape, offset) in entries.items()
    }


def _view(data: mmap.mmap, dtype: torch.dtype, shape: Sizes, offset: int) -> Tensor:
    count = math.prod(shape)
    if not count:
        return torch.empty(shape, dtype=dtype, device="cpu")
    return torch.frombuffer(data, dtype=dtype, count=count, offset=offset).view(shape)


def _entries(header: bytes, room: int) -> dict[str, tuple[torch.dtype, Sizes, int]]:
    """The dtype, shape and offset of each tensor, when they fill the room."""
    try:
        value = json.loads(header, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _BadHeaderError(f"the header is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise _BadHeaderError("the header is no mapping")
    value.pop(METADATA, None)
    found = {key: _entry(key, item) for key, item in value.items()}
    end = 0
    for key, (_, _, start, stop) in sorted(found.items(), key=lambda item: item[1][2:]):
        if start != end:
            raise _BadHeaderError(f"{key} begins at {start:,}, not at {end:,}")
        end = stop
    if end != room:
        raise _BadHeaderError(f"its tensors take {end:,} bytes, and {room:,} are there")
    return {key: entry[:3] for key, entry in found.items()}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _BadHeaderError("the header names a tensor twice")
    return value


def _entry(key: str, item: object) -> tuple[torch.dtype, Sizes, int, int]:
    match item:
        case {"dtype": str(kind), "shape": [*shape], "data_offsets": [start, stop]}:
            numbers = [*shape, start, stop]
        case _:
            raise _BadHeaderError(f"the entry of {key} has no dtype, shape and offsets")
    if any(type(number) is not int or number < 0 for number in numbers):
        raise _BadHeaderError(f"the entry of {key} has a number that is no size")
    if kind not in DTYPES:
        raise _BadHeaderError(f"{key} is of the unknown type {kind}")
    dtype = DTYPES[kind]
    wanted = math.prod(shape) * dtype.itemsize
    if stop - start != wanted:
        raise _BadHeaderError(f"{key} takes {wanted:,} bytes, not {stop - start:,}")
    return dtype, tuple(shape), start, stop


def write(
    file: BinaryIO, tensors: Mapping[str, Tensor], progress: Progress = no_progress
) -> None:
    """Write tensors: wider types first, then by name, as the library does."""
    order = sorted(tensors, key=lambda key: (-_rank(tensors[key]), key))
    header: dict[str, Any] = {METADATA: {"format": "pt"}}
    total = 0
    for key in order:
        tensor = tensors[key]
        end = total + tensor.nbytes
        header[key] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [total, end],
        }
        total = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    file.write(len(text).to_bytes(LENGTH_BYTES, "little") + text)
    done = 0
    for key in order:
        tensor = tensors[key].contiguous()
        file.write(_bytes(tensor))
        done += tensor.nbytes
        progress("writing", done, total)


def _rank(tensor: Tensor) -> int:
    """Where the library's list of types, narrow ones first, has this one."""
    order = "BOOL U8 I8 F8_E5M2 F8_E4M3 I16 F16 BF16 I32 F32 C64 F64 I64"
    return order.split().index(NAMES[tensor.dtype])


def _bytes(tensor: Tensor) -> memoryview:
    """The memory of a contiguous tensor on the CPU, which must outlive the view."""
    if not tensor.nbytes:
        return memoryview(b"")
    return memoryview((ctypes.c_char * tensor.nbytes).from_address(tensor.data_ptr()))
