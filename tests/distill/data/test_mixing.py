"""mixup and cutmix."""

import random
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from peers import import_timm

from deit_spec.distill.data.base import Batch
from deit_spec.distill.data.mixing import Mixing, draw_box

SIZE, CLASSES = 8, 5
alphas = st.floats(0.1, 2)
seeds = st.integers(0, 2**31)


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
    import_timm()
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
