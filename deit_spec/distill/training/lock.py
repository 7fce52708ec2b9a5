"""One run in a folder at a time, on all machines that see the folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from deit_spec.distill.training import problems
from deit_spec.distill.training.processes import Processes
from deit_spec.recipe.run_files import LOCK

if TYPE_CHECKING:
    from filelock import FileLock

PATIENCE = 10.0
"""Seconds to wait: what a killed run has left behind may hold it for some."""


@contextmanager
def alone(folder: Path, processes: Processes) -> Iterator[None]:
    """Keep others out of a folder; the main process holds the lock for all.

    The system lets go of it when that process ends, however it ends.

    Raises:
        RunError: Another run is there.
        OSError: The lock cannot be written.
    """
    lock = _lock(folder) if processes.main else None
    is_taken = processes.main and lock is None
    if processes.agree(wish=is_taken):
        raise problems.in_use(folder)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep others out of a folder, from one process.

    Raises:
        RunError: Another process is there.
        OSError: The lock cannot be written.
    """
    lock = _lock(folder)
    if lock is None:
        raise problems.in_use(folder)
    with lock:
        yield


def _lock(folder: Path) -> "FileLock | None":
    """Take the lock of a folder; None where another has it for too long."""
    from filelock import FileLock, Timeout  # noqa: PLC0415  -- of the extra `train`

    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=PATIENCE)
    except Timeout:
        return None
    return lock
