"""The confusion matrix of an evaluation, and the accuracy of each class."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


class Confusion(NamedTuple):
    """The number of images of one class that were predicted to be of another."""

    label: int
    predicted: int
    images: int


@dataclass(frozen=True)
class ClassCounts:
    """The images of a class, the predictions of it, and the correct ones."""

    images: int
    predicted: int
    correct: int

    @property
    def accuracy(self) -> float | None:
        """The share of its images that were predicted correctly; None if it has none.

        This is the recall of the class.
        """
        return self.correct / self.images if self.images else None


class ConfusionMatrix:
    """Counts the predictions of a model of `classes` classes.

    `evaluate` adds each batch to it.
    """

    def __init__(self, classes: int) -> None:
        self._classes = classes
        self._pairs: list[Tensor] = []

    def add(self, predicted: Tensor, labels: Tensor) -> None:
        """Add the predicted classes and the labels of a batch, both `[B]`."""
        self._pairs.append((labels * self._classes + predicted).cpu())

    @property
    def counts(self) -> Tensor:
        """The matrix `[K, K]`: in row i and column j, images of i predicted as j."""
        pairs = torch.cat([torch.zeros(0, dtype=torch.int64), *self._pairs])
        size = self._classes
        return torch.bincount(pairs, minlength=size**2).view(size, size)

    def by_class(self) -> list[ClassCounts]:
        """The counts of each class, in order."""
        counts = self.counts
        parts = (counts.sum(dim=1), counts.sum(dim=0), counts.diagonal())
        table = torch.stack(parts, dim=1)
        return [ClassCounts(*row) for row in table.tolist()]

    def balanced_accuracy(self) -> float:
        """The mean accuracy of the classes that have images."""
        found = [accuracy for accuracy, _ in self._ranked()]
        return sum(found) / len(found)

    def worst_classes(self) -> list[int]:
        """The classes that have images, the one with the lowest accuracy first."""
        return [index for _, index in self._ranked()]

    def most_confused(self) -> list[Confusion]:
        """The pairs of a class and a wrong prediction, the most frequent first."""
        wrong = self.counts.fill_diagonal_(0)
        found = [
            Confusion(label, predicted, int(wrong[label, predicted]))
            for label, predicted in wrong.nonzero().tolist()
        ]
        return sorted(found, key=lambda each: -each.images)

    def _ranked(self) -> list[tuple[float, int]]:
        return sorted(
            (counts.accuracy, index)
            for index, counts in enumerate(self.by_class())
            if counts.accuracy is not None
        )
