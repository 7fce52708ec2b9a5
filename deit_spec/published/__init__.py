"""The published models: a spec each, and what accuracy their authors report."""

from deit_spec.published.family import Accuracy, accuracies, file, names, read

__all__ = ["Accuracy", "accuracies", "file", "names", "read"]
