"""What images are normalised with, how many there are, how they are augmented."""

import re
from typing import Final

from deit_spec.diagnostics import Label, diagnose
from deit_spec.recipe.given import DIGITS, Given, counted
from deit_spec.spec.places import Findings, finding
from deit_spec.yaml_source.scalars import value_text

_RAND_AUGMENT: Final = re.compile(r"rand(-(m|n|p|w|mstd|mmax|inc|t)[0-9.]+)*")


def statistics_fit(given: Given) -> Findings:
    """DS514: a mean and a deviation for each channel."""
    student = given.student
    channels = student.in_channels if student else None
    for section in ("data", "teacher"):
        holder = getattr(given.recipe, section)
        if holder is not None:
            yield from _statistics(given, section, holder.mean, holder.std, channels)


def _statistics(
    given: Given,
    section: str,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    channels: int | None,
) -> Findings:
    if mean is None and std is None:
        return
    names = (f"{section}.mean", f"{section}.std")
    if mean is None or std is None:
        there, lacks = names if std is None else reversed(names)
        yield diagnose(
            "DS514",
            f"{there} is set and {lacks} is not",
            Label(given.places.value(there)),
            helps=[f"write `{lacks}` too, or leave `{there}` out"],
        )
        return
    about = given.places.about(
        (names[0], counted(len(mean), "channel"), None),
        (names[1], counted(len(std), "channel"), None),
    )
    if len(mean) != len(std):
        message = (
            f"{names[0]} has {counted(len(mean), 'number')}, {names[1]} {len(std)}"
        )
        yield finding("DS514", message, about, "write one of each for each channel")
    elif channels is not None and len(mean) != channels:
        there = f"the images {counted(channels, 'channel')}"
        message = f"{names[0]} has {counted(len(mean), 'number')}, {there}"
        help_ = f"write {counted(channels, 'number')}, one for each channel"
        yield finding("DS514", message, about, help_)
    elif min(std) <= 0:
        yield diagnose(
            "DS514",
            f"a deviation of {names[1]} is not above 0",
            Label(given.places.value(names[1]), value_text(min(std))),
            helps=["leave both out, or write deviations above 0"],
        )


def images_suffice(given: Given) -> Findings:
    """DS517: digits are 1,797."""
    data = given.recipe.data
    if not given.is_digits or (data.train_images is None and data.val_images is None):
        return
    train, val = data.train_images or 1, data.val_images or 1
    if train + val <= DIGITS:
        return
    fields = [
        (f"data.{name}", counted(value, "image"), None)
        for name, value in (
            ("train_images", data.train_images),
            ("val_images", data.val_images),
        )
        if value is not None
    ]
    about = given.places.about(*fields)
    asked = train + val
    largest = "train_images" if train >= val else "val_images"
    rest = DIGITS - min(train, val)
    help_ = f"`data.{largest}: {rest}` or less"
    if rest < 1:
        help_ = f"fewer than {DIGITS:,} of either"
    yield finding(
        "DS517",
        f"{asked:,} images are asked for, and digits are {DIGITS:,}",
        about,
        help_,
    )


def words_are_timms(given: Given) -> Findings:
    """DS515: the words of RandAugment."""
    words = given.recipe.augmentation.rand_augment
    if words is None or _RAND_AUGMENT.fullmatch(words):
        return
    yield diagnose(
        "DS515",
        "augmentation.rand_augment is not in timm's words for RandAugment",
        Label(given.places.value("augmentation.rand_augment")),
        helps=["`augmentation.rand_augment: rand-m9-mstd0.5-inc1`, for example"],
    )
