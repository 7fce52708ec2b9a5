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
    ForbiddenPickleError,
    UnusableTensorError,
    scan,
)
from deit_spec.weights.weight_findings import (
    SAVE_ARRAYS,
    SAVE_AS_FLOAT,
    SAVE_UNQUANTISED,
    WeightsError,
    damaged,
    exported,
    refuse,
    shown,
)

ZIP = b"PK\x03\x04"
PICKLE = re.compile(rb"\x80[\x02-\x05]")
LEGACY = re.compile(rb"\x80[\x02\x03]\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19\.")
"""A pickle of torch's magic number, with which files began before torch 1.6."""
ARRAY = b"numpy"
"""What every pickle of NumPy arrays has near its start."""
LEGACY_PICKLES = 5
"""The magic number, the protocol, the system, what was saved, its storage keys."""
SAFE = (2, 10)
"""The first version of torch whose `weights_only` has no known vulnerability."""
_SAVE_AGAIN = (
    "if you trust the file, load it with the program that wrote it, and save only "
    "`model.state_dict()`"
)


_LOAD_WITH_TIMM = (
    "timm reads the files of Google's vision transformers: "
    "`timm.create_model(NAME, checkpoint_path=FILE)`"
)


def read_zip(path: Path, name: str) -> object:
    """Read a zip file of torch; its tensors are mapped into memory."""
    _require_safe_torch(name)
    with _damage(name), zipfile.ZipFile(path) as archive:
        _check_archive(archive, path, name)
    with _damage(name), path.open("rb") as file:
        # Read as torch.load reads it, which finds this pickle and no other.
        reader = torch._C.PyTorchFileReader(file)  # noqa: SLF001  -- has no public name
        if reader.get_record_size("data.pkl") > PICKLE_BYTES:
            message = f"the file's pickle has more than {PICKLE_BYTES:,} bytes"
            helps = ["save only `model.state_dict()`"]
            raise refuse("DS405", message, name, helps=helps)
        # torch maps as many bytes as the pickle says, also those of the next record.
        for key, size in scan(reader.get_record("data.pkl")).items():
            found = reader.get_record_size(f"data/{key}")
            if found != size:
                reason = f"storage {shown(key)} needs {size:,} bytes and has {found:,}"
                raise damaged(name, reason)
        return _load(path, mapped=True)


def read_legacy(path: Path, name: str) -> object:
    """Read a file that torch wrote before 1.6; that format has no checksums."""
    with path.open("rb") as file:
        head = file.read(PICKLE_BYTES)
    if not LEGACY.match(head):
        if ARRAY in head:
            help_ = f"{SAVE_ARRAYS}; those of Paddle's linear layers are transposed"
            raise _not_torch(name, "a pickle of NumPy arrays (.pdparams)", help_)
        raise _not_torch(name, "a pickle")
    _require_safe_torch(name)
    with _damage(name):
        scan(head, LEGACY_PICKLES)
        return _load(path, mapped=False)


@contextmanager
def _damage(name: str) -> Iterator[None]:
    """Turn any error while reading a file into a finding about it."""
    try:
        yield
    except (WeightsError, OSError):
        raise
    except ForbiddenPickleError as error:
        raise refuse(
            "DS404",
            "loading the file would run code, so it was not loaded",
            name,
            notes=[str(error)],
            helps=[_SAVE_AGAIN],
        ) from None
    except UnusableTensorError as error:
        message = f"the file has {error}, which a model cannot use"
        is_quantised = "quantised" in str(error)
        help_ = SAVE_UNQUANTISED if is_quantised else SAVE_AS_FLOAT
        raise refuse("DS407", message, name, helps=[help_]) from None
    except (zipfile.BadZipFile, zlib.error) as error:
        raise damaged(name, str(error).lower()) from None
    except Exception as error:  # noqa: BLE001  -- a broken file raises anything
        raise damaged(name, first_line_of(error)) from None


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


def _check_archive(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    """Check that an archive is of torch.save, and its checksums, which torch skips."""
    names = [each.rpartition("/")[2].lower() for each in archive.namelist()]
    records = archive.infolist()
    if "constants.pkl" in names:
        call = "`torch.save(torch.jit.load(FILE).state_dict(), OUT)`"
        helps = [f"if you trust the file, save its weights alone: {call}"]
        raise refuse("DS404", "the file is a TorchScript program", name, helps=helps)
    if names and all(each.endswith(".npy") for each in names):
        helps = [_LOAD_WITH_TIMM, SAVE_ARRAYS]
        raise _not_torch(name, "a NumPy archive (.npz)", *helps)
    if any(each.startswith("deit_spec.") for each in names):
        raise exported(name)
    if "archive_format" in names:
        helps = ["save its weights alone: `torch.export.load(FILE).state_dict`"]
        raise _not_torch(name, "an exported program (.pt2)", *helps)
    if "data.pkl" not in names:
        raise _not_torch(name, "a zip archive without `data.pkl`")
    if any(each.compress_type != zipfile.ZIP_STORED for each in records):
        raise _not_torch(name, "a compressed zip archive")
    if sum(record.file_size for record in records) > path.stat().st_size:
        raise zipfile.BadZipFile("its records are longer than the file")
    if wrong := archive.testzip():
        raise zipfile.BadZipFile(f"bad checksum of {wrong}")
    # torch.load takes any file of this name for a safetensors file.
    if path.suffix == ".safetensors":
        message = "the file is from torch.save, but its name ends in .safetensors"
        raise refuse("DS402", message, name, helps=["rename it"])


def _load(path: Path, *, mapped: bool) -> Any:
    # DeiT's own checkpoints contain their command line arguments.
    allowed = torch.serialization.safe_globals([argparse.Namespace])
    with warnings.catch_warnings(), allowed, path.open("rb") as file:
        warnings.simplefilter("ignore")
        source = path if mapped else file  # a name has a meaning for torch
        return torch.load(source, map_location="cpu", weights_only=True, mmap=mapped)


def _not_torch(name: str, what: str, *helps: str) -> WeightsError:
    message = f"the file is {what}, not a file of torch.save"
    return refuse("DS402", message, name, helps=helps)
