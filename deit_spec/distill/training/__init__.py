"""Training: from a recipe to a trained student in a run folder."""

from deit_spec.distill.runtime_errors import RunError
from deit_spec.distill.training.reporter import Finished, Progress, Reporter, Start
from deit_spec.distill.training.trainer import train

__all__ = ["Finished", "Progress", "Reporter", "RunError", "Start", "train"]
