"""Training: a student, its teacher and images, to weights in a run folder."""

from deit_spec.distill.training.problems import RunError
from deit_spec.distill.training.reporter import (
    Finished,
    Progress,
    Reporter,
    Silent,
    Start,
)
from deit_spec.distill.training.train import train

__all__ = [
    "Finished",
    "Progress",
    "Reporter",
    "RunError",
    "Silent",
    "Start",
    "train",
]
