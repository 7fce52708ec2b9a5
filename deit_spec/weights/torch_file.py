"""Read files of torch.save as data: nothing that they name is called.

The pickle is scanned first and then read by `torch.load(weights_only=True)`. Crafted
files could run code in spite of that before torch 2.6 (CVE-2025-32434) and before
2.10 (CVE-2026-24747), so older versions are not used for it.
"""

import argparse
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from deit_spec.diagnostics.printable import first_line_of
from deit_spec.weights.pickle_scan import (
    PICKLE_BYTES,
    BrokenPickleError,
    ForbiddenOperationError,
    ForbiddenPickleError,
    Scanned,
    scan,
)
from deit_spec.weights.state_dict import Progress, no_progress
from deit_spec.weights.weight_findings import (
    SAVE_AS_FLOAT,
    WeightsError,
    damaged,
    refuse,
)

ZIP = b"PK\x03\x04"
PICKLE = re.compile(rb"\x80[\x02-\x05]")
LEGACY = re.compile(rb"\x80[\x02\x03]\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19\.")
"""A pickle of torch's magic number, with which files began before torch 1.6."""
LEGACY_PICKLES = 5
"""The magic number, the protocol, the system, what was saved, its storage keys."""
SAFE = (2, 10)
"""The first version of torch whose `weights_only` has no known vulnerability."""
CHUNK = 1 << 22
REASON = 300
"""How many characters of an error of torch are shown; it may quote the file."""

_NOT_IN_LEGACY = {
    "torch._utils._rebuild_nested_tensor",
    "torch._utils._rebuild_tensor_v3",
}
"""What torch writes in the format from before 1.6 but fails to read from it."""
_SAVE_AGAIN = (
    "if you trust the file, load it with the program that wrote it, and save only "
    "`model.state_dict()`"
)


def read_zip(path: Path, name: str, progress: Progress = no_progress) -> object:
    """Read a zip file of torch; its tensors are mapped into memory.

    torch writes checksums but does not compare them when it reads, so this does.

    Raises:
        WeightsError: The file is damaged, is not from torch.save, or needs code.
    """
    with _damage(name), zipfile.ZipFile(path) as archive:
        _require_state_dict_archive(archive, name)
        _require_safe_torch(name)
        _compare_checksums(archive, path.stat().st_size, progress)
    with _damage(name), path.open("rb") as file:
        # Records are read as torch.load reads them, so it cannot find other ones.
        reader = torch._C.PyTorchFileReader(file)  # noqa: SLF001  -- has no public name
        _require_storages(reader, _scan_zip(reader, name), path)
        return _load(path, mapped=True)


def read_legacy(path: Path, name: str) -> object:
    """Read a file that torch wrote before 1.6; that format has no checksums.

    Raises:
        WeightsError: The file is damaged, is not from torch.save, or needs code.
    """
    with path.open("rb") as file:
        head = file.read(PICKLE_BYTES)
    if not LEGACY.match(head):
        raise _not_torch(name, "a pickle")
    _require_safe_torch(name)
    with _damage(name):
        try:
            scanned = scan(head, LEGACY_PICKLES)
        except ForbiddenOperationError as error:
            # There is no checksum: a changed byte is likelier than another protocol.
            raise BrokenPickleError(str(error)) from None
        if scanned.names & _NOT_IN_LEGACY:
            message = "the file has tensors that torch cannot read from its old format"
            raise refuse("DS407", message, name, helps=[SAVE_AS_FLOAT])
        return _load(path, mapped=False)


@contextmanager
def _damage(name: str) -> Iterator[None]:
    """Turn any error while reading a file into a finding about it.

    Raises:
        WeightsError: The file needs code to be run, or is damaged.
    """
    try:
        yield
    except (WeightsError, OSError):
        raise
    except ForbiddenPickleError as error:
        raise refuse(
            "DS404",
            "the file needs code to be run, so it was not loaded",
            name,
            notes=[str(error)],
            helps=[_SAVE_AGAIN],
        ) from None
    except (zipfile.BadZipFile, zlib.error) as error:
        raise damaged(name, str(error).lower()) from None
    except Exception as error:  # noqa: BLE001  -- a broken file raises anything
        raise damaged(name, first_line_of(error)[:REASON]) from None


def _require_safe_torch(name: str) -> None:
    version = torch.__version__
    if tuple(map(int, version.split(".")[:2])) < SAFE:
        raise refuse(
            "DS409",
            f"torch {version} may run code from a crafted file of this format",
            name,
            notes=["fixed in torch 2.6 (CVE-2025-32434) and 2.10 (CVE-2026-24747)"],
            helps=["use torch 2.10 or newer, or a safetensors file"],
        )


def _require_state_dict_archive(archive: zipfile.ZipFile, name: str) -> None:
    """Check that an archive may be a file of torch.save that contains no program.

    Raises:
        WeightsError: It is not.
    """
    names = [each.rpartition("/")[2].lower() for each in archive.namelist()]
    if "constants.pkl" in names:
        raise refuse("DS404", "the file is a TorchScript program", name)
    if "data.pkl" not in names:
        raise _not_torch(name, "a zip archive without `data.pkl`")
    # torch maps the bytes of a record as they are in the file.
    if any(each.compress_type != zipfile.ZIP_STORED for each in archive.infolist()):
        raise _not_torch(name, "a compressed zip archive")


def _compare_checksums(archive: zipfile.ZipFile, size: int, progress: Progress) -> None:
    """Read every record: zipfile compares its checksum at the end.

    Raises:
        zipfile.BadZipFile: A checksum differs, or records overlap.
    """
    total = sum(record.file_size for record in archive.infolist())
    if total > size:
        raise zipfile.BadZipFile("its records are longer than the file")
    done = 0
    for record in archive.infolist():
        with archive.open(record) as file:
            while chunk := file.read(CHUNK):
                done += len(chunk)
                progress("checking", done, total)


def _scan_zip(reader: Any, name: str) -> Scanned:
    """Scan the pickle of a zip file."""
    size = reader.get_record_size("data.pkl")
    if size > PICKLE_BYTES:
        raise refuse(
            "DS405",
            f"the file's pickle has {size:,} bytes, too many for a state dict",
            name,
            notes=[f"the limit is {PICKLE_BYTES:,} bytes"],
            helps=["save only `model.state_dict()`"],
        )
    return scan(reader.get_record("data.pkl"))


def _require_storages(reader: Any, scanned: Scanned, path: Path) -> None:
    """Check that each storage has the bytes that the pickle says.

    torch maps that many bytes in any case. Where a record is shorter, they would be
    those of the next record.

    Raises:
        ValueError: A storage is missing, or has another size.
    """
    end = path.stat().st_size
    for key, size in scanned.storages.items():
        record = f"data/{key}"
        found = reader.get_record_size(record) if reader.has_record(record) else 0
        if found != size:
            raise ValueError(f"storage {key} has {found:,} bytes instead of {size:,}")
        if reader.get_record_offset(record) + size > end:
            raise ValueError(f"storage {key} extends past the end of the file")


def _load(path: Path, *, mapped: bool) -> Any:
    # DeiT's own checkpoints contain their command line arguments.
    allowed = torch.serialization.safe_globals([argparse.Namespace])
    with warnings.catch_warnings(), allowed:
        warnings.simplefilter("ignore")
        # torch takes any file of this name for safetensors; an open file has no name.
        if mapped and not str(path).endswith(".safetensors"):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        with path.open("rb") as file:
            return torch.load(file, map_location="cpu", weights_only=True, mmap=False)


def _not_torch(name: str, what: str) -> WeightsError:
    return refuse("DS402", f"the file is {what}, not a file of torch.save", name)
