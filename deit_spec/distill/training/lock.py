"""One run in a folder at a time, on all machines that see the folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deit_spec.distill.training import problems
from deit_spec.distill.training.processes import Processes
from deit_spec.recipe.names import LOCK

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
    from filelock import FileLock, Timeout  # noqa: PLC0415  -- of the extra `train`

    lock = FileLock(folder / LOCK)
    is_taken = False
    if processes.main:
        try:
            lock.acquire(timeout=PATIENCE)
        except Timeout:
            is_taken = True
    if processes.agree(wish=is_taken):
        raise problems.in_use(folder)
    try:
        yield
    finally:
        lock.release()
