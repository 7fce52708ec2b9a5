"""Augmentation of a batch: crops, rotations, erasing, mixup and cutmix."""

import random
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deit_spec.distill.data import Batch
from deit_spec.distill.data.batch_transforms import Mixing, Warp, draw_box, erase
from deit_spec.distill.optional_packages import import_package

SIZE, CLASSES = 8, 5
SAME = Warp(aspect=(1.0, 1.0))
seeds = st.integers(0, 2**31)
CLOSE = {"rtol": 0, "atol": 1e-3}


def images_of(count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 2, SIZE, SIZE, generator=generator)


def source_of(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_without_augmentation_images_stay_as_they_are() -> None:
    images = images_of(5)
    torch.testing.assert_close(SAME(images, source_of(0)), images)
    assert torch.equal(erase(images, 0.0, source_of(0)), images)


@given(seeds)
def test_a_crop_enlarges_what_is_inside(seed: int) -> None:
    """Of a slope, a crop of a quarter of the area is a slope half as steep."""
    slope = torch.arange(64.0).view(1, 1, 1, 64).expand(1, 1, 64, 64)
    warp = Warp(crop_scale=(0.25, 0.25), aspect=(1.0, 1.0))
    seen = warp(slope, source_of(seed))[0, 0, 1:-1, 1:-1]
    torch.testing.assert_close(seen.diff(dim=1), torch.full((62, 61), 0.5), **CLOSE)


@given(seeds)
def test_a_crop_stays_inside(seed: int) -> None:
    """So pixels from outside, which are 0, appear at the very edge only."""
    white = torch.ones(4, 1, SIZE, SIZE)
    seen = Warp(crop_scale=(0.2, 1.0))(white, source_of(seed))
    torch.testing.assert_close(seen[..., 1:-1, 1:-1], white[..., 1:-1, 1:-1])


@given(seeds)
def test_a_shift_is_within_its_limit(seed: int) -> None:
    dot = torch.zeros(1, 1, 17, 17)
    dot[..., 8, 8] = 1
    seen = Warp(aspect=(1.0, 1.0), shift=2 / 17)(dot, source_of(seed))[0, 0]
    torch.testing.assert_close(seen.sum(), torch.tensor(1.0))
    rows, columns = seen.nonzero(as_tuple=True)
    assert 6 <= rows.min() <= rows.max() <= 10
    assert 6 <= columns.min() <= columns.max() <= 10


@given(seeds)
def test_a_rotation_is_within_its_limit(seed: int) -> None:
    """The middle stays; a dot to its right moves along a circle."""
    dot = torch.zeros(1, 1, 33, 33)
    dot[..., 16, 28] = 1
    seen = Warp(aspect=(1.0, 1.0), rotate=30)(dot, source_of(seed))[0, 0]
    rows, columns = seen.nonzero(as_tuple=True)
    x, y = columns.double() - 16, rows.double() - 16
    assert ((x.square() + y.square()).sqrt() - 12).abs().max() < 1.5
    assert torch.atan2(y, x).rad2deg().abs().max() < 30 + 8


@given(seeds, st.integers(0, 5))
def test_an_image_does_not_depend_on_the_others(seed: int, place: int) -> None:
    warp = Warp(crop_scale=(0.3, 1.0), shift=0.1, rotate=20)
    some, others = images_of(6), images_of(6, seed=1)
    others[place] = some[place]
    pairs = [
        (warp(some, source_of(seed)), warp(others, source_of(seed))),
        (erase(some, 0.5, source_of(seed)), erase(others, 0.5, source_of(seed))),
    ]
    for one, other in pairs:
        assert torch.equal(one[place], other[place])


@given(seeds)
def test_one_rectangle_is_erased(seed: int) -> None:
    images = torch.full((16, 2, SIZE, SIZE), 9.0)
    changed = erase(images, 1.0, source_of(seed)) != images
    assert torch.equal(changed[:, 0], changed[:, 1])
    for mask in changed[:, 0]:
        rows, columns = mask.any(1), mask.any(0)
        assert torch.equal(mask, rows[:, None] & columns)
        assert 0 < mask.sum() < SIZE * SIZE
        assert rows.long().diff().abs().sum() <= 2  # in one piece
        assert columns.long().diff().abs().sum() <= 2


def test_the_given_share_is_erased() -> None:
    images = images_of(4000)
    changed = (erase(images, 0.25, source_of(0)) != images).flatten(1).any(1)
    assert 0.22 < changed.double().mean() < 0.28


alphas = st.floats(0.1, 2)


def batch_of(count: int, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 2, SIZE, SIZE, generator=generator)
    return Batch(images, torch.randint(CLASSES, (count,), generator=generator))


@given(st.integers(1, 9), alphas, alphas, st.floats(0, 1), seeds)
def test_labels_stay_probabilities(
    count: int, mixup: float, cutmix: float, switch: float, seed: int
) -> None:
    mixing = Mixing(mixup, cutmix, switch, CLASSES)
    images, labels = mixing(batch_of(count), random.Random(seed))
    assert images.shape == (count, 2, SIZE, SIZE)
    assert labels.shape == (count, CLASSES)
    assert labels.min() >= 0
    torch.testing.assert_close(labels.sum(1), torch.ones(count))


@given(alphas, seeds)
def test_the_share_of_a_label_is_that_of_its_pixels(alpha: float, seed: int) -> None:
    mixing = Mixing(0, alpha, 0.5, 2)
    images = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 1, SIZE, SIZE)
    mixed, labels = mixing(Batch(images, torch.tensor([0, 1])), random.Random(seed))
    # 64ths are exact in binary.
    assert labels[0, 1] == mixed[0].mean()
    assert labels[1, 0] == 1 - mixed[1].mean()


@given(alphas, seeds)
def test_mixup_mixes_images_as_labels(alpha: float, seed: int) -> None:
    mixing = Mixing(alpha, 0, 0.5, 2)
    images = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 1, SIZE, SIZE)
    mixed, labels = mixing(Batch(images, torch.tensor([0, 1])), random.Random(seed))
    torch.testing.assert_close(mixed[:, 0, 0, 0], labels[:, 1])
    assert torch.equal(mixed, mixed[..., :1, :1].expand_as(mixed))


@given(st.floats(0, 1), seeds)
def test_a_box_is_in_the_image(keep: float, seed: int) -> None:
    top, bottom, left, right = draw_box(SIZE, keep, random.Random(seed))
    assert 0 <= top <= bottom <= SIZE
    assert 0 <= left <= right <= SIZE


def _next(first: Iterator[float], source: random.Random) -> float:
    for each in first:
        return each
    return source.random()


@pytest.mark.parametrize(("mixup", "cutmix"), [(0.8, 1.0), (0.8, 0.0), (0.0, 1.0)])
def test_batches_are_mixed_as_by_timm(
    mixup: float, cutmix: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_package("timm")
    from timm.data import Mixup  # noqa: PLC0415

    theirs = Mixup(mixup, cutmix, label_smoothing=0.0, num_classes=CLASSES)
    for seed in range(50):
        batch = batch_of(6, seed)
        images, labels = Mixing(mixup, cutmix, 0.5, CLASSES)(batch, random.Random(seed))
        source, whether = random.Random(seed), iter([0.0])
        monkeypatch.setattr(
            np.random,
            "rand",
            partial(_next, whether, source),
        )
        monkeypatch.setattr(np.random, "beta", source.betavariate)
        monkeypatch.setattr(
            np.random,
            "randint",
            lambda low, high, s=source, **_: s.randrange(low, high),
        )
        same, targets = theirs(batch.images.clone(), batch.labels)
        assert torch.equal(images, same)
        torch.testing.assert_close(labels, targets)
