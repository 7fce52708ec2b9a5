"""Images to learn from: read, split, augmented, the same on every run."""

from deit_spec.distill.data.base import Batch, Data
from deit_spec.distill.data.opening import open_data
from deit_spec.distill.problems import DataError

__all__ = ["Batch", "Data", "DataError", "open_data"]
