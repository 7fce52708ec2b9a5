"""Learning from a teacher."""

from deit_spec.distill.losses import DistillationLoss, Kind, Terms

__all__ = ["DistillationLoss", "Kind", "Terms"]
