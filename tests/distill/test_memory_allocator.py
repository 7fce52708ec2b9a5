"""The memory allocator: glibc keeps freed memory, unless the user has set it up."""

import os
import platform
import subprocess
import sys

import pytest

from deit_spec.distill.memory_allocator import VARIABLES

MAPPED = """
import ctypes, sys
from deit_spec.distill.memory_allocator import keep_freed_memory

class Usage(ctypes.Structure):
    _fields_ = [(f"field{number}", ctypes.c_int) for number in range(10)]

def mapped():
    return libc.mallinfo().field3  # hblks, the number of blocks that are mapped

libc = ctypes.CDLL(None)
libc.mallinfo.restype = Usage
libc.malloc.restype = ctypes.c_void_p
keep_freed_memory()
before = mapped()
libc.malloc(ctypes.c_size_t(16 << 20))
print(mapped() - before)
"""
"""Prints whether a block of 16 MiB is mapped, 0 or 1."""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
@pytest.mark.parametrize(
    ("variables", "mapped"),
    [
        ({}, "0"),
        ({"MALLOC_MMAP_THRESHOLD_": "1048576"}, "1"),
        ({"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=1048576"}, "1"),
    ],
)
def test_large_blocks_are_kept(variables: dict[str, str], mapped: str) -> None:
    """Other settings of the user stay."""
    others = {each: os.environ[each] for each in os.environ.keys() - VARIABLES}
    done = subprocess.run(
        [sys.executable, "-c", MAPPED],
        env={**others, **variables},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{mapped}\n"
