"""Keep glibc from returning freed memory to the system between runs.

By default glibc maps large tensors afresh for each run, and the page faults decide
which of two models is faster. Both settings are read when a process starts, so the
script is restarted with them.
"""

import os
import sys

SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),  # the maximum; glibc ignores larger values
    "MALLOC_TRIM_THRESHOLD_": str(64 << 30),
}


def keep_freed_memory() -> None:
    """Restart this script with `SETTINGS`, unless they are set or it is not Linux."""
    if sys.platform != "linux" or SETTINGS.items() <= os.environ.items():
        return
    os.execve(  # noqa: S606  -- the same command again
        sys.executable,
        [sys.executable, *sys.orig_argv[1:]],
        {**os.environ, **SETTINGS},
    )
