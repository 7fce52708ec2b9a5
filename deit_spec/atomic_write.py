"""Write a file completely, or leave the existing file unchanged."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

UNFINISHED = ".unfinished"
"""The suffix of a temporary file. A process that is killed may leave one."""


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that takes the place of `path` at the end of the block.

    The temporary file is in the same directory and is flushed to the disk before it
    is renamed. Symbolic links are followed, and an existing file keeps its mode. A
    device or a pipe cannot be replaced and is written directly.

    Raises:
        OSError: The file cannot be written, for example because the disk is full;
            what was there is unchanged, and the temporary file is removed.
    """
    mode = path.stat().st_mode if path.exists() else None
    if mode is not None and not stat.S_ISREG(mode):
        with path.open("wb") as file:
            yield file
        return
    if mode is not None and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".deit-spec-{token_hex(4)}{UNFINISHED}")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            temporary.chmod(stat.S_IMODE(mode))
        temporary.replace(target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename == str(temporary):
            error.filename = str(path)
        raise
    sync_directory(target.parent)


def write_file(path: Path, content: str | bytes) -> None:
    """Write bytes, or text as UTF-8, with `atomic_write`.

    Raises:
        OSError: As `atomic_write`.
    """
    # The name of a file may hold bytes that are not UTF-8.
    data = content if isinstance(content, bytes) else encode(content)
    with atomic_write(path) as file:
        file.write(data)


def encode(text: str) -> bytes:
    """Encode text as UTF-8; the undecodable bytes of a file name are escaped."""
    return text.encode(errors="backslashreplace")


def sync_directory(directory: Path) -> None:
    """Flush the names in a directory to the disk."""
    if os.name == "nt":  # where a directory cannot be opened
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
