"""Keep glibc from returning freed memory to the system between training steps.

By default glibc maps each large tensor afresh and unmaps it when it is freed, so a
training step on a CPU loses time to page faults. docs/training.md has measurements.
"""

import ctypes
import os
import platform
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of `mallopt`, from glibc's `malloc.h`."""
LARGEST_BLOCK = 32 << 20
"""Bytes up to which blocks are not mapped; the maximum that glibc accepts."""
KEPT = 2**31 - 1
"""Freed bytes that are kept; the largest `int`."""
VARIABLES = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
"""Environment variables that set the thresholds."""


def keep_freed_memory() -> None:
    """Let the malloc of glibc keep freed memory in this process.

    Nothing changes with another malloc, or if any of `VARIABLES` is set.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return
    if any(name in os.environ for name in VARIABLES):
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(M_MMAP_THRESHOLD, LARGEST_BLOCK)
    mallopt(M_TRIM_THRESHOLD, KEPT)
