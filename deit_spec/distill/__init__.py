"""Train a student with a teacher, and use the trained model."""

from deit_spec.distill.losses import DistillationLoss, Kind, Terms

__all__ = ["DistillationLoss", "Kind", "Terms"]
