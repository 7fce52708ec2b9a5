"""Files that are written whole or not at all, and stay when the power goes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

UNFINISHED = ".unfinished"


def write_whole(
    path: Path, write: Callable[[BinaryIO], object], *, apart: str = ""
) -> None:
    """Write a file beside the path, see it on the disk, and give it its name.

    A process that is killed in between leaves `NAME.unfinished`, or with `apart`,
    where several may write the same file, `NAME.APART.unfinished`.

    Raises:
        OSError: It cannot be written; what was there is as it was.
    """
    middle = f".{apart}" if apart else ""
    beside = path.with_name(f"{path.name}{middle}{UNFINISHED}")
    try:
        with beside.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_names(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a text so."""
    write_whole(path, lambda file: file.write(text.encode()))


def sync_names(folder: Path) -> None:
    """See the names of a folder on the disk."""
    if os.name == "nt":  # there a folder cannot be opened
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
