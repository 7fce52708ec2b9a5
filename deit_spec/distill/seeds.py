"""Reproducible results: seeds that follow from a use, and the number of threads."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def seed_of(*parts: int | str) -> int:
    """A seed of 63 bits that is a hash of its parts."""
    text = "\0".join(map(str, parts))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator_of(*parts: int | str) -> torch.Generator:
    """A generator of torch on the CPU with the seed of these parts."""
    return torch.Generator().manual_seed(seed_of(*parts))


def random_of(*parts: int | str) -> random.Random:
    """A generator of Python with the seed of these parts."""
    return random.Random(seed_of(*parts))  # noqa: S311  -- not for cryptography


def seed_all(*parts: int | str) -> None:
    """Seed torch, NumPy and Python with the seed of these parts."""
    import numpy as np  # noqa: PLC0415  -- of the extra `train`

    value = seed_of(*parts)
    torch.manual_seed(value)
    random.seed(value)
    np.random.seed(value % 2**32)  # noqa: NPY002  -- what others may draw from


@contextmanager
def temporary_seed(seed: int) -> Iterator[None]:
    """Seed torch, NumPy and Python, which timm draws from, in a block only."""
    import numpy as np  # noqa: PLC0415  -- of the extra `train`

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  -- what timm draws from
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Compute with `count` threads of the CPU in the block; None changes nothing."""
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
