"""Images from files or rows: split, read, augmented and mixed as a recipe says."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deit_spec.distill.data.base import Batch, Data
from deit_spec.distill.data.mixing import Mixing
from deit_spec.distill.data.order import Order
from deit_spec.distill.data.parts import split
from deit_spec.distill.data.reading import Ask, ReadBatch, Reading, read_batches
from deit_spec.distill.data.views import CentralView, random_view, usual_statistics
from deit_spec.distill.problems import DataError, recipe_of, student_of
from deit_spec.distill.seeds import random_of, seed_of
from deit_spec.recipe import late

if TYPE_CHECKING:
    from deit_spec.distill.data.pictures import Parts
    from deit_spec.recipe import CheckedRecipe


class Images(Data):
    """Images that are read step by step.

    A view of an image is random by the epoch and its position there, so it does not
    matter which process reads it; a process mixes its own part of a step. What is
    not for training needs no timm.
    """

    def __init__(
        self, checked: "CheckedRecipe", parts: "Parts", *, training: bool = True
    ) -> None:
        recipe, student = recipe_of(checked), student_of(checked)
        size, channels = student.image_size, student.in_channels
        data, augmentation = recipe.data, recipe.augmentation
        self._checked = checked
        mean, std = usual_statistics(channels)
        self.classes = parts.classes
        self.mean, self.std = data.mean or mean, data.std or std
        self.unreadable = []
        self._reasons: dict[str, str] = {}
        self._limit, self._workers = data.unreadable, data.workers
        self._seed, self._batch_size = recipe.run.seed, recipe.schedule.batch_size
        train, val = split(checked, parts)
        central = CentralView(size, self.mean, self.std)
        self.train_count, self.val_count = len(train), len(val)
        self._train = Reading(
            parts.train,
            train,
            channels=channels,
            # timm's, which takes seconds to import.
            view=random_view(augmentation, size, self.mean, self.std)
            if training
            else central,
            tries=min(len(train), data.unreadable + 1),
        )
        self._val = Reading(
            parts.val or parts.train,
            val,
            channels=channels,
            view=central,
            tries=1,
        )
        self._order = Order(
            len(train), self._batch_size, augmentation.repeats, self._seed
        )
        self._mixing = Mixing.of(augmentation, len(parts.classes))

    def train(
        self, first: int, last: int, *, rank: int = 0, world: int = 1
    ) -> Iterator[Batch]:
        """See `Data.train`."""
        asks = (self._ask(step, rank, world) for step in range(first, last))
        found = read_batches(self._train, asks, workers=self._workers)
        batches = self._readable(found, may_skip=False)
        for step, batch in zip(range(first, last), batches, strict=True):
            if self._mixing:
                source = random_of(self._seed, "mix", step, rank)
                yield self._mixing(batch, source)
            else:
                yield batch

    def val(self, batch_size: int, *, rank: int = 0, world: int = 1) -> Iterator[Batch]:
        """See `Data.val`."""
        mine = range(rank, self.val_count, world)
        asks = (
            [Ask(index, 0) for index in mine[start : start + batch_size]]
            for start in range(0, len(mine), batch_size)
        )
        found = read_batches(self._val, asks, workers=self._workers)
        yield from self._readable(found, may_skip=True)

    def _ask(self, step: int, rank: int, world: int) -> list[Ask]:
        epoch, within = divmod(step, self._order.steps)
        chosen = self._order.at(step).tolist()
        start = within * self._batch_size
        return [
            Ask(chosen[i], seed_of(self._seed, "view", epoch, start + i))
            for i in range(rank, len(chosen), world)
        ]

    def _readable(
        self, batches: Iterator[ReadBatch], *, may_skip: bool
    ) -> Iterator[Batch]:
        """Note what could not be read, and give the rest, which may be nothing."""
        for images, labels, unreadable in batches:
            self._reasons |= dict(unreadable)
            self.unreadable = list(self._reasons)
            nothing = images is None and not may_skip
            if len(self.unreadable) > self._limit or nothing:
                raise self._too_many()
            if images is not None:
                yield Batch(images, labels)

    def _too_many(self) -> DataError:
        some = list(self._reasons.items())[: self._limit + 1]
        found = [f"{name} ({reason})" for name, reason in some]
        return DataError((late.unreadable_images(self._checked, found),))
