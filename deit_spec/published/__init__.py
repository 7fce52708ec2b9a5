"""The published models: their specs and the accuracies that the authors report."""

from deit_spec.published.family import Accuracy, accuracies, file, names, read

__all__ = ["Accuracy", "accuracies", "file", "names", "read"]
