"""The published models: their specs, the accuracies of the authors, and recipes."""

from deit_spec.published.family import (
    Accuracy,
    accuracies,
    file,
    names,
    read,
    read_recipe,
    recipe_names,
)

__all__ = [
    "Accuracy",
    "accuracies",
    "file",
    "names",
    "read",
    "read_recipe",
    "recipe_names",
]
