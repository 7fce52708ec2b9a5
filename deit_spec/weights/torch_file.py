"""Files that torch.save wrote, read as data: nothing that they name is called.

That rests on `torch.load(weights_only=True)`, which crafted files could get round
before torch 2.6 (CVE-2025-32434) and before 2.10 (CVE-2026-24747): older ones are
not used for it.
"""

import argparse
import pickle
import re
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import torch

from deit_spec.weights.checkpoint import Progress, no_progress
from deit_spec.weights.problems import WeightsError, damaged, refuse

ZIP = b"PK\x03\x04"
PICKLE = re.compile(rb"\x80[\x02-\x05]")
LEGACY = re.compile(rb"\x80[\x02\x03]\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19\.")
"""A pickle of torch's magic number, with which it began before 1.6."""
SAFE = (2, 10)
"""The first version of torch whose `weights_only` has no known hole."""
CHUNK = 1 << 22
HEAD_BYTES = 16

_GLOBAL = re.compile(r"(?:GLOBAL|[Gg]lobal:?)\s+(?:GLOBAL\s+)?([\w.]+\.[\w.]+)")
_CALLS = re.compile(r"GLOBAL|global|reduce|build|NEWOBJ|instance|class", re.IGNORECASE)
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
        _check_records(path, name, progress)
    except WeightsError:
        raise
    except _BAD_ZIP as error:
        raise damaged(name, str(error).lower()) from None
    return _load(path, name, checked=True)


def read_pickle(path: Path, name: str) -> object:
    """Read a pickle, if it is one that torch before 1.6 wrote; it has no checksums.

    Raises:
        WeightsError: The file is damaged, is no file of torch, or needs code.
    """
    with path.open("rb") as file:
        if not LEGACY.match(file.read(HEAD_BYTES)):
            raise _no_torch(name, "a pickle")
    return _load(path, name, checked=False)


def _check_records(path: Path, name: str, progress: Progress) -> None:
    with zipfile.ZipFile(path) as archive:
        records = archive.infolist()
        total = sum(record.file_size for record in records)
        if not any(record.filename.endswith("/data.pkl") for record in records):
            raise _no_torch(name, "a zip archive without `data.pkl`")
        if any(record.filename.endswith("/constants.pkl") for record in records):
            raise refuse("DS404", "the file is a TorchScript program", name)
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


def _load(path: Path, name: str, *, checked: bool) -> object:
    _require_safe(name, torch.__version__)
    # The recipes of the original repository keep their arguments in the file.
    allowed = torch.serialization.safe_globals([argparse.Namespace])
    try:
        with warnings.catch_warnings(), allowed:
            warnings.simplefilter("ignore")
            return _torch_load(path, mapped=checked)
    except pickle.UnpicklingError as error:
        raise _unpickling(name, str(error), checked=checked) from None
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  -- a broken pickle fails in any way
        reason = str(error).partition("\n")[0] or type(error).__name__
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


def _unpickling(name: str, text: str, *, checked: bool) -> WeightsError:
    if not checked and not _CALLS.search(text):
        return damaged(name, "its pickle ends or errs")
    found = _GLOBAL.search(text)
    return refuse(
        "DS404",
        "the file needs code to be run, and was not read",
        name,
        notes=[f"it names `{found.group(1)}`"] if found else [],
        helps=[_SAVE_AGAIN],
    )


def _no_torch(name: str, what: str) -> WeightsError:
    return refuse("DS402", f"the file is {what}, not one that torch.save wrote", name)
