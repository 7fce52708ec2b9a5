"""Files that torch.save wrote, read as data: nothing that they name is called.

That rests on `torch.load(weights_only=True)`, which crafted files could get round
before torch 2.6 (CVE-2025-32434) and before 2.10 (CVE-2026-24747): older ones are
not used for it.
"""

import argparse
import os
import re
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import torch

from deit_spec.diagnostics.printable import first_line_of
from deit_spec.weights.checkpoint import Progress, no_progress
from deit_spec.weights.pickle_scan import (
    PICKLE_BYTES,
    BrokenPickleError,
    ForeignOperationError,
    NeedsMoreError,
    scan,
)
from deit_spec.weights.storages import storages_of
from deit_spec.weights.weight_findings import WeightsError, damaged, refuse

ZIP = b"PK\x03\x04"
PICKLE = re.compile(rb"\x80[\x02-\x05]")
LEGACY = re.compile(rb"\x80[\x02\x03]\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19\.")
"""A pickle of torch's magic number, with which it began before 1.6."""
SAFE = (2, 10)
"""The first version of torch whose `weights_only` has no known hole."""
CHUNK = 1 << 22
END_BYTES, END64_BYTES, LOCATOR_BYTES = 22, 56, 20
TAIL_BYTES = END_BYTES + END64_BYTES + LOCATOR_BYTES
LEGACY_PICKLES = 5
"""The magic number, the protocol, the system, what was saved, its storages' keys."""
REASON = 300
"""How much of what torch says is told; it may repeat what the file holds."""

_YOUNGER = {
    "torch._utils._rebuild_nested_tensor": "a nested tensor",
    "torch._utils._rebuild_tensor_v3": "a tensor of a newer type",
}
"""What torch writes in the format from before 1.6, and errs on when it reads it."""
_BAD_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,  # sizes and names that make no sense
    OverflowError,
    RuntimeError,  # encrypted, or of a method that zipfile does not know
)
_SAVE_AGAIN = (
    "where you trust the file, load it in the program that wrote it, and save "
    "`model.state_dict()` alone"
)


def read_zip(path: Path, name: str, progress: Progress = no_progress) -> object:
    """Read a zip file of torch; its tensors are mapped.

    torch itself does not compare the checksums that it writes, so this does.

    Raises:
        WeightsError: The file is damaged, is no file of torch, or needs code.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _require_canonical(archive, path)
            _check_records(archive, path, name, progress)
            pickled = _read_pickle_of(archive, name)
    except WeightsError:
        raise
    except _BAD_ZIP as error:
        raise damaged(name, str(error).lower()) from None
    _scan(pickled, 1, name, checked=True)
    _require_storages(archive, pickled, name)
    return _load(path, name, mapped=True)


def read_pickle(path: Path, name: str) -> object:
    """Read a pickle, if it is one that torch before 1.6 wrote; it has no checksums.

    Raises:
        WeightsError: The file is damaged, is no file of torch, or needs code.
    """
    with path.open("rb") as file:
        head = file.read(PICKLE_BYTES)
    if not LEGACY.match(head):
        raise _no_torch(name, "a pickle")
    names = _scan(head, LEGACY_PICKLES, name, checked=False)
    for each in sorted(names & _YOUNGER.keys()):
        raise refuse(
            "DS407",
            f"the file has {_YOUNGER[each]}, which torch cannot read from its format",
            name,
            helps=["save dense floating-point tensors"],
        )
    return _load(path, name, mapped=False)


def _require_canonical(archive: zipfile.ZipFile, path: Path) -> None:
    """See that there is one directory, at the end, where the file says that it is.

    zipfile looks for it before the end of the file, torch at an offset: a file with
    two could show one pickle to us and another to torch.

    Raises:
        zipfile.BadZipFile: There may be another.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - TAIL_BYTES, 0))
        tail = file.read()
    if _directory_of(tail, size) != archive.start_dir:
        raise zipfile.BadZipFile("its directory is not where its end says")
    names = [record.filename for record in archive.infolist()]
    if len(set(names)) < len(names):
        raise zipfile.BadZipFile("two of its records have one name")
    if any(record.filename != record.orig_filename for record in archive.infolist()):
        raise zipfile.BadZipFile("a record has two names")


def _directory_of(tail: bytes, size: int) -> int | None:
    """The offset of a directory that ends where the records of the end begin.

    PKWARE's APPNOTE, 4.3.14 to 4.3.16: the end of a zip64 directory, where it is,
    and the end of the directory, without a comment.
    """
    end = tail[-END_BYTES:]
    if end[:4] != b"PK\5\6":
        return None
    length, offset = struct.unpack("<2I", end[12:20])
    start = size - END_BYTES
    whole = tail[-TAIL_BYTES:-END_BYTES]
    if whole[:4] == b"PK\6\6" and whole[END64_BYTES:][:4] == b"PK\6\7":
        length, offset = struct.unpack("<2Q", whole[40:56])
        start = size - TAIL_BYTES
    return offset if offset + length == start else None


def _require_storages(archive: zipfile.ZipFile, pickled: bytes, name: str) -> None:
    """See that the record of each storage has the bytes that the pickle says."""
    sizes = {
        record.filename.rpartition("/data/")[2]: record.file_size
        for record in archive.infolist()
        if "/data/" in record.filename
    }
    try:
        wanted = storages_of(pickled)
    except ValueError as error:
        raise damaged(name, str(error)) from None
    for key, size in wanted.items():
        if sizes.get(key) != size:
            there = f"{sizes[key]:,}" if key in sizes else "none"
            raise damaged(name, f"storage {key} takes {size:,} bytes, not {there}")


def _check_records(
    archive: zipfile.ZipFile, path: Path, name: str, progress: Progress
) -> None:
    records = archive.infolist()
    total = sum(record.file_size for record in records)
    if any(record.filename.endswith("/constants.pkl") for record in records):
        raise refuse("DS404", "the file is a TorchScript program", name)
    if not any(map(_is_pickle, records)):
        raise _no_torch(name, "a zip archive without `data.pkl`")
    if any(record.compress_type != zipfile.ZIP_STORED for record in records):
        raise _no_torch(name, "a compressed zip archive")
    if total > path.stat().st_size:
        raise damaged(name, "its records are longer than the file")
    done = 0
    for record in records:
        with archive.open(record) as file:
            while chunk := file.read(CHUNK):
                done += len(chunk)
                progress("checking", done, total)


def _is_pickle(record: zipfile.ZipInfo) -> bool:
    """Whether torch may take a record for the pickle; it compares as DOS did."""
    return record.filename.lower().endswith("/data.pkl")


def _read_pickle_of(archive: zipfile.ZipFile, name: str) -> bytes:
    """Read the pickle of an archive, the only one, so that torch reads no other."""
    first, *others = filter(_is_pickle, archive.infolist())
    if others:
        raise damaged(name, "it has several records `data.pkl`")
    if first.file_size > PICKLE_BYTES:
        raise refuse(
            "DS405",
            f"the file's pickle has {first.file_size:,} bytes, more than a state dict",
            name,
            notes=[f"pickles of up to {PICKLE_BYTES:,} bytes are read"],
            helps=["save `model.state_dict()` alone"],
        )
    return archive.read(first)


def _scan(data: bytes, pickles: int, name: str, *, checked: bool) -> frozenset[str]:
    """See that a pickle holds what state dicts do; what it names."""
    try:
        return scan(data, pickles)
    except BrokenPickleError as error:
        raise damaged(name, str(error)) from None
    except NeedsMoreError as error:
        if isinstance(error, ForeignOperationError) and not checked:
            raise damaged(name, str(error)) from None
        raise refuse(
            "DS404",
            "the file needs code to be run, and was not read",
            name,
            notes=[str(error)],
            helps=[_SAVE_AGAIN],
        ) from None


def _load(path: Path, name: str, *, mapped: bool) -> object:
    _require_safe(name, torch.__version__)
    # The recipes of the original repository keep their arguments in the file.
    allowed = torch.serialization.safe_globals([argparse.Namespace])
    try:
        with warnings.catch_warnings(), allowed:
            warnings.simplefilter("ignore")
            return _torch_load(path, mapped=mapped)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  -- a broken pickle fails in any way
        reason = first_line_of(error)[:REASON]
        raise damaged(name, reason) from None


def _require_safe(name: str, version: str) -> None:
    if tuple(map(int, version.split(".")[:2])) < SAFE:
        raise refuse(
            "DS409",
            f"torch {version} may run what a crafted file of this format holds",
            name,
            notes=["CVE-2025-32434, mended in torch 2.6; CVE-2026-24747, in 2.10"],
            helps=["use torch 2.10 or newer, or a file of safetensors"],
        )


def _torch_load(path: Path, *, mapped: bool) -> Any:
    # By this name torch takes any file for safetensors; an open file has no name.
    if mapped and not str(path).endswith(".safetensors"):
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    with path.open("rb") as file:
        return torch.load(file, map_location="cpu", weights_only=True, mmap=False)


def _no_torch(name: str, what: str) -> WeightsError:
    return refuse("DS402", f"the file is {what}, not one that torch.save wrote", name)
