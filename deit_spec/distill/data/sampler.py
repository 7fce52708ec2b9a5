"""Which images are held out and which a step has: functions of a seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import torch
from torch import Tensor

from deit_spec.distill.runtime_errors import data_error, recipe_of
from deit_spec.distill.seeds import generator_of, random_of
from deit_spec.recipe import CheckedRecipe


@dataclass(frozen=True, eq=False)
class Sampler:
    """The images of each step, in a new order for every epoch.

    With repeated augmentation (Hoffer et al., "Augment your batch", 2020) an image
    comes `repeats` times in a row, and an epoch does not become longer.

    With `labels`, the class `[count]` of each image, the classes are balanced: each
    comes once, in random order, before any comes again. The image of a class is drawn
    with replacement.
    """

    count: int
    batch_size: int
    repeats: int
    seed: int
    labels: Tensor | None = None

    @property
    def steps(self) -> int:
        """The number of steps in an epoch."""
        return max(1, self.count // self.batch_size)

    def at(self, step: int) -> Tensor:
        """The indices `[batch_size]` of a step, counted over all epochs from 0."""
        epoch, within = divmod(step, self.steps)
        positions = torch.arange(self.batch_size) + within * self.batch_size
        if self.labels is None:
            order = _shuffled(self.count, self.seed, epoch)
        else:
            order = _balanced(self.labels, self.seed, epoch)
        return order[positions // self.repeats % self.count]


@lru_cache(maxsize=4)
def _shuffled(count: int, seed: int, epoch: int) -> Tensor:
    return torch.randperm(count, generator=generator_of(seed, "order", epoch))


@lru_cache(maxsize=4)
def _balanced(labels: Tensor, seed: int, epoch: int) -> Tensor:
    source, count = generator_of(seed, "balanced", epoch), len(labels)
    by_class = labels.argsort(stable=True)
    counts = labels.bincount()
    sizes = counts[counts > 0]
    rounds = -(-count // len(sizes))
    shuffled = torch.rand(rounds, len(sizes), generator=source).argsort()
    classes = shuffled.flatten()[:count]
    # In float32 a draw times a large size may round up to the size.
    draws = torch.rand(count, generator=source, dtype=torch.float64)
    within = (draws * sizes[classes]).long()
    return by_class[sizes.cumsum(0)[classes] - sizes[classes] + within]


def split_images(
    checked: CheckedRecipe, labels: Sequence[int], val_count: int | None = None
) -> tuple[list[int], list[int]]:
    """The indices to train on, and those held out; by default a tenth."""
    recipe, total = recipe_of(checked), len(labels)
    data = recipe.data
    if val_count is not None:
        rest, held = list(range(total)), list(range(val_count))
    else:
        tenth = max(1, total // 10)
        count = tenth if data.val_images is None else data.val_images
        if count >= total:
            message = f"the recipe asks to hold out {count} of {total} images"
            raise data_error(checked, "data.val_images", "DS517", message)
        rest, held = hold_out(labels, count, data.split_seed)
    wanted = data.train_images
    if wanted is None:
        return rest, held
    if wanted > len(rest):
        message = f"the recipe asks to train on {wanted} of {len(rest)} images"
        raise data_error(checked, "data.train_images", "DS517", message)
    left = [labels[index] for index in rest]
    return [rest[i] for i in choose(left, wanted, recipe.run.seed)], held


def hold_out(
    labels: Sequence[int], count: int, seed: int
) -> tuple[list[int], list[int]]:
    """Split images into those to train on and `count` held out, by class, in order."""
    by_class = _shuffled_by_class(labels, seed, "held out")
    exact = {
        label: Fraction(count * len(items), len(labels))
        for label, items in by_class.items()
    }
    shares = {label: int(share) for label, share in exact.items()}
    most = {label: len(items) for label, items in by_class.items()}
    keeping_one = {label: max(number - 1, 0) for label, number in most.items()}
    largest_remainder = sorted(exact, key=lambda label: shares[label] - exact[label])
    for limit in (keeping_one, most):
        _top_up(shares, largest_remainder, limit, count)
    held = [i for label, items in by_class.items() for i in items[: shares[label]]]
    rest = set(range(len(labels))).difference(held)
    return sorted(rest), sorted(held)


def _top_up(
    shares: dict[int, int], order: Sequence[int], limit: dict[int, int], count: int
) -> None:
    """Raise shares one by one, up to their limits, until their sum is `count`."""
    while short := count - sum(shares.values()):
        below = [label for label in order if shares[label] < limit[label]]
        if not below:
            return
        for label in below[:short]:
            shares[label] += 1


def choose(labels: Sequence[int], count: int, seed: int) -> list[int]:
    """Choose a balanced subset, in order; a smaller one is part of a larger one."""
    by_class = _shuffled_by_class(labels, seed, "chosen")
    classes = list(by_class)
    random = random_of(seed, "rounds")
    chosen: list[int] = []
    for turn in range(max(map(len, by_class.values()), default=0)):
        if len(chosen) >= count:
            break
        random.shuffle(classes)
        has_more = (label for label in classes if turn < len(by_class[label]))
        chosen += [by_class[label][turn] for label in has_more]
    return sorted(chosen[:count])


def _shuffled_by_class(
    labels: Sequence[int], seed: int, use: str
) -> dict[int, list[int]]:
    """The indices of each class, shuffled, classes in order."""
    by_class: dict[int, list[int]] = {label: [] for label in sorted(set(labels))}
    for index, label in enumerate(labels):
        by_class[label].append(index)
    for label, indices in by_class.items():
        random_of(seed, use, label).shuffle(indices)
    return by_class
