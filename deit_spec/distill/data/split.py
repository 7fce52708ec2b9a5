"""Which images of a source are trained on, and which are held out."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import torch

from deit_spec.distill.data.sampler import Sampler, split_images
from deit_spec.distill.runtime_errors import recipe_of
from deit_spec.recipe import CheckedRecipe, Recipe
from deit_spec.recipe.image_folder import shown_name
from deit_spec.recipe.loss_settings import BALANCED
from deit_spec.recipe.rules.rule_context import SOURCES
from deit_spec.recipe.split_file import SplitFile

MOST_FINGERPRINTS: Final = 1000
"""The number of held-out images that are compared with those of other data."""
START: Final = 4096
"""The number of bytes of a file that are compared, besides its size."""


class NamedImages(Protocol):
    """The images of a split of a source, with their labels and names."""

    @property
    def labels(self) -> Sequence[int]:
        """The class index of each image."""

    @property
    def prefix(self) -> str:
        """The start of the names of all images of this split, and of no others."""

    def key(self, index: int) -> str:
        """The name of an image in `split.json`: see `SplitFile`."""

    def content(self, index: int) -> bytes:
        """The size and the start of an image's file, or nothing."""


@dataclass(frozen=True)
class Split:
    """The images of a source, and the indices of those to train on and held out.

    `source` is a field of `data` and `name` its value, with an absolute path.
    `held_out` are indices in `validation` or, without one, in `training`.
    """

    source: str
    name: str
    classes: tuple[str, ...]
    training: NamedImages
    validation: NamedImages | None
    train: Sequence[int]
    held_out: Sequence[int]

    @cached_property
    def train_labels(self) -> list[int]:
        """The class index of each image to train on."""
        labels = self.training.labels
        return [labels[index] for index in self.train]

    @property
    def evaluated(self) -> list[str]:
        """The names of the images to evaluate on."""
        source = self.validation or self.training
        return [source.key(index) for index in self.held_out]

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the names and classes of all images, in any order."""
        lines = {
            f"{images.key(index)}\t{self.classes[label]}\n"
            for images in (self.training, self.validation)
            if images is not None
            for index, label in enumerate(images.labels)
            if label >= 0
        }
        found = hashlib.sha256()
        for line in sorted(lines):
            found.update(line.encode())
        return found.hexdigest()

    def fingerprints(self, names: Collection[str]) -> dict[str, str]:
        """The fingerprints of the images with these names, as far as they are there."""
        return {
            images.key(index): hashlib.sha256(content).hexdigest()[:16]
            for images in (self.training, self.validation)
            if images is not None
            for index in range(len(images.labels))
            if images.key(index) in names and (content := images.content(index))
        }

    def as_file(self) -> SplitFile:
        """The content of `split.json` for a run."""
        total = len(self.training.labels)
        rest = total if self.validation else total - len(self.held_out)
        subset = [self.training.key(index) for index in self.train]
        evaluated = self.evaluated
        step = -(-len(evaluated) // MOST_FINGERPRINTS) or 1
        return SplitFile.model_validate(
            {
                "version": 1,
                "source": self.source,
                "name": self.name,
                "digest": self.digest,
                "train_prefix": self.training.prefix,
                "trained_on": tuple(subset) if len(self.train) < rest else None,
                "held_out": tuple(evaluated),
                "fingerprints": self.fingerprints(set(evaluated[::step])),
            }
        )


def make_split(
    checked: CheckedRecipe,
    classes: tuple[str, ...],
    training: NamedImages,
    validation: NamedImages | None = None,
    *,
    held_out: Collection[str] | None = None,
) -> Split:
    """Choose the images to train on and to hold out, by the recipe or by `held_out`.

    `held_out` has names, of which some may be missing. A DataError if the recipe asks
    for more images than there are.
    """
    data = recipe_of(checked).data
    source = next(name for name in SOURCES if getattr(data, name))
    name = str(getattr(data, source))
    if (path := checked.place(name)).exists() and source != "builtin":
        name = shown_name(str(path.absolute()))
    evaluated = validation or training
    usable, others = _used(training), _used(evaluated)
    if held_out is None:
        labels = [training.labels[index] for index in usable]
        count = None if validation is None else len(others)
        train, held = split_images(checked, labels, count)
        train, held = [usable[i] for i in train], [others[i] for i in held]
    else:
        held = [index for index in others if evaluated.key(index) in held_out]
        known = set(held) if validation is None else set()
        train = [index for index in usable if index not in known]
    return Split(source, name, classes, training, validation, train, held)


def _used(images: NamedImages) -> list[int]:
    """The indices of the images of classes to use; the label of the others is -1."""
    return [index for index, label in enumerate(images.labels) if label >= 0]


def make_sampler(recipe: Recipe, split: Split) -> Sampler:
    """The sampler of a recipe over the images to train on."""
    is_balanced = recipe.data.sampling == BALANCED
    return Sampler(
        len(split.train),
        recipe.schedule.batch_size,
        recipe.augmentation.repeats,
        recipe.run.seed,
        torch.tensor(split.train_labels) if is_balanced else None,
    )
