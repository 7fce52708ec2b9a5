"""What the random choices of a step follow from."""

import random

import torch

from deit_spec.distill.seeds import seed_of


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed torch, NumPy and Python for one step of one process.

    A step's choices follow from these three numbers, so a run that goes on makes
    the same ones, whatever was drawn before.
    """
    _seed(seed_of(seed, "step", step, rank))


def seed_student(seed: int) -> None:
    """Seed them for the first weights of the student, alike in all processes."""
    _seed(seed_of(seed, "student"))


def _seed(value: int) -> None:
    import numpy as np  # noqa: PLC0415  -- of the extra `train`

    torch.manual_seed(value)
    random.seed(value)
    np.random.seed(value & 0xFFFFFFFF)  # noqa: NPY002  -- what others may draw from
