"""Which images are held out, and which of the rest are trained on."""

from collections.abc import Sequence
from fractions import Fraction

from deit_spec.distill.seeds import random_of


def hold_out(
    labels: Sequence[int], count: int, seed: int
) -> tuple[list[int], list[int]]:
    """Split images into those to train on and `count` held out, each in order.

    Each class is held out in its proportion, one image more or less. No class goes
    to the held out entirely, unless there is no other way to so many.
    """
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
    """Raise shares, one after the other up to their limits, till they make `count`."""
    while short := count - sum(shares.values()):
        below = [label for label in order if shares[label] < limit[label]]
        if not below:
            return
        for label in below[:short]:
            shares[label] += 1


def choose(labels: Sequence[int], count: int, seed: int) -> list[int]:
    """Choose images, as many of each class as can be, in order.

    The counts of two classes differ by one at most, unless a class has no more.
    A smaller choice is part of a larger one.
    """
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
    """The places of each class, shuffled, classes in order."""
    by_class: dict[int, list[int]] = {label: [] for label in sorted(set(labels))}
    for place, label in enumerate(labels):
        by_class[label].append(place)
    for label, places in by_class.items():
        random_of(seed, use, label).shuffle(places)
    return by_class
