"""The weights of classes that have different numbers of training images."""

from collections import Counter

import torch
from torch import Tensor

from deit_spec.diagnostics.printable import listed
from deit_spec.distill import runtime_errors as errors
from deit_spec.distill.data.dataset import Data
from deit_spec.distill.runtime_errors import DataError, recipe_of
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.loss_settings import BALANCED
from deit_spec.recipe.rules.balance_rules import unknown_class_weights


def class_weights(checked: CheckedRecipe, data: Data) -> Tensor | None:
    """The weights `[K]` of the classes in the loss; None if they are equal.

    `balanced` weights are `n / (K n_k)` for `n_k` of n training images, as those of
    scikit-learn's `compute_class_weight` (King and Zeng, "Logistic regression in rare
    events data", 2001): their mean over the training images is 1.

    Raises DataError for weights of classes that the data does not have, and if a class
    to balance, here or by `data.sampling`, has no training images.
    """
    recipe = recipe_of(checked)
    wanted = recipe.loss.class_weights
    if isinstance(wanted, dict):
        if unknown := list(unknown_class_weights(checked, recipe, data.classes)):
            raise DataError(unknown)
        _require_balance(checked, data)
        return torch.tensor([wanted.get(name, 1.0) for name in data.classes])
    counts = _require_balance(checked, data)
    if wanted is None:
        return None
    total, classes = sum(counts.values()), len(data.classes)
    weights = [total / (classes * counts[label]) for label in range(classes)]
    return torch.tensor(weights)


def _require_balance(checked: CheckedRecipe, data: Data) -> Counter[int]:
    """Count the training images of each class; with balance, each needs some."""
    recipe, counts = recipe_of(checked), Counter(data.split.train_labels)
    absent = [name for index, name in enumerate(data.classes) if not counts[index]]
    fields = {
        "loss.class_weights": recipe.loss.class_weights,
        "data.sampling": recipe.data.sampling,
    }
    field = next((name for name, value in fields.items() if value == BALANCED), None)
    if absent and field:
        raise errors.data_error(
            checked,
            field,
            "DS562",
            "the classes cannot be balanced: there are no training images of "
            f"{listed(absent)}",
            help_="train on more images, or remove the setting",
        )
    return counts
