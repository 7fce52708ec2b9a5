"""scikit-learn's digits as data."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.recipes import DIGITS, PLAIN, check

from deit_spec.distill import optional_packages
from deit_spec.distill.data import Batch, Data, open_data
from deit_spec.distill.data.digits import Digits, read_digits
from deit_spec.distill.optional_packages import MissingPackageError
from deit_spec.model.preprocessing import DIGITS_MEAN, DIGITS_STD

HARD = {
    "repeats": 1,
    "crop_scale": [0.35, 1.0],
    "shift": 0.1,
    "rotate": 10.0,
    "mixup": 0.5,
    "cutmix": 0.5,
}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return open_data(check(tmp_path_factory.mktemp("digits"), augmentation=HARD))


def equal(one: Batch, other: Batch) -> bool:
    return all(map(torch.equal, one, other))


def test_the_constants_are_those_of_the_images() -> None:
    images, labels = read_digits()
    assert images.shape == (1797, 1, 8, 8)
    assert (images.min(), images.max()) == (0, 1)
    assert sorted(set(labels.tolist())) == list(range(10))
    pixels = images.double()
    assert (round(pixels.mean().item(), 4),) == DIGITS_MEAN
    assert (round(pixels.std(correction=0).item(), 4),) == DIGITS_STD


def test_the_counts_are_those_of_the_recipe(digits: Data) -> None:
    assert digits.classes == tuple("0123456789")
    assert (digits.train_count, digits.val_count) == (300, 600)
    assert digits.sampler.count == 300
    steps = [replace(digits.sampler, batch_size=b).steps for b in (64, 1024)]
    assert steps == [4, 1]
    assert isinstance(digits, Digits)
    assert set(Counter(digits.train_labels.tolist()).values()) == {30}
    assert digits.unreadable == []


def test_a_tenth_is_held_out_by_default(tmp_path: Path) -> None:
    data = open_data(check(tmp_path, data={"builtin": "digits"}))
    assert (data.train_count, data.val_count) == (1797 - 179, 179)


def test_the_split_depends_on_the_split_seed_only(tmp_path: Path) -> None:
    def val(**data: object) -> list[float]:
        found = open_data(check(tmp_path, data={**DIGITS, **data}))
        return next(found.val(600)).images.flatten().tolist()

    assert val() == val(train_images=1000) != val(split_seed=1)


@given(st.integers(1, 5), st.integers(1, 700))
def test_every_held_out_image_comes_once(world: int, size: int) -> None:
    found = [
        batch
        for rank in range(world)
        for batch in ALL.val(size, rank=rank, world=world)
    ]
    assert all(0 < len(batch.labels) <= size for batch in found)
    images, labels = torch.cat([b.images for b in found]), [b.labels for b in found]
    assert sorted(map(tuple, images.flatten(1).tolist())) == ALL_VAL
    assert len(torch.cat(labels)) == 600


@given(st.integers(0, 20), st.integers(0, 8), st.integers(1, 4))
def test_steps_do_not_depend_on_when_they_are_requested(
    first: int, steps: int, world: int
) -> None:
    """Steps from the middle of a run are the same; processes share each."""
    whole = list(ALL.train(0, first + steps))[first:]
    tail = list(ALL.train(first, first + steps))
    parts = zip(
        *(ALL.train(first, first + steps, rank=r, world=world) for r in range(world)),
        strict=True,
    )
    assert len(whole) == len(tail) == steps
    assert all(map(equal, whole, tail))
    for batch, part in zip(whole, parts, strict=True):
        for rank in range(world):
            assert torch.equal(batch.images[rank::world], part[rank].images)
            assert torch.equal(batch.labels[rank::world], part[rank].labels)


def test_the_random_state_of_torch_does_not_matter(digits: Data) -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    one = list(digits.train(0, 3))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    assert all(map(equal, one, digits.train(0, 3)))


def test_the_seed_of_the_run_decides(digits: Data, tmp_path: Path) -> None:
    other = open_data(check(tmp_path, augmentation=HARD, run={"seed": 1}))
    assert not equal(next(digits.train(0, 1)), next(other.train(0, 1)))


def test_without_augmentation_an_epoch_is_the_images_themselves(tmp_path: Path) -> None:
    schedule = {"steps": 10, "batch_size": 100, "warmup_steps": 1}
    data = open_data(check(tmp_path, augmentation=PLAIN, schedule=schedule))
    assert isinstance(data, Digits)
    seen = torch.cat([batch.images for batch in data.train(0, 3)])
    pixels = seen * DIGITS_STD[0] + DIGITS_MEAN[0]
    found = {tuple((16 * pixel).round().flatten().tolist()) for pixel in pixels}
    there = {tuple((16 * pixel).flatten().tolist()) for pixel in data.train_images}
    assert found == there


def test_digits_are_never_flipped(tmp_path: Path) -> None:
    """A flipped digit is not a digit, whatever the recipe says."""
    schedule = {"steps": 10, "batch_size": 100, "warmup_steps": 1}
    plain = {key: value for key, value in PLAIN.items() if key != "flip"}
    for flip in ({}, {"flip": 1.0}):
        data = open_data(
            check(tmp_path, augmentation={**plain, **flip}, schedule=schedule)
        )
        assert isinstance(data, Digits)
        there = {tuple((16 * each).flatten().tolist()) for each in data.train_images}
        pixels = next(data.train(0, 1)).images * DIGITS_STD[0] + DIGITS_MEAN[0]
        found = {tuple((16 * each).round().flatten().tolist()) for each in pixels}
        assert found <= there


def test_images_are_normalised_by_the_recipe(tmp_path: Path) -> None:
    data = open_data(check(tmp_path, data={**DIGITS, "mean": [0.5], "std": [0.25]}))
    assert (data.mean, data.std) == ((0.5,), (0.25,))
    images = next(data.val(600)).images
    assert (images.min(), images.max()) == (-2, 2)


def test_a_missing_package_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optional_packages, "find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match=r'pip install "deit-spec\[train\]"'):
        read_digits()


@pytest.fixture(scope="module", autouse=True)
def _share(digits: Data) -> None:
    """What hypothesis's examples share."""
    global ALL, ALL_VAL  # noqa: PLW0603  -- a fixture is no argument of theirs
    ALL = digits
    ALL_VAL = sorted(map(tuple, next(digits.val(600)).images.flatten(1).tolist()))


ALL: Data
ALL_VAL: list[tuple[float, ...]]
