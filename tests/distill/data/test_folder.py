"""Folders of images."""

import pickle
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from peers import import_timm
from PIL import Image
from support.recipes import PLAIN, open_images

from deit_spec.distill.data import Batch
from deit_spec.distill.data.pictures import read_picture
from deit_spec.distill.data.reading import seeded
from deit_spec.distill.data.views import (
    GREY_MEAN,
    IMAGENET_MEAN,
    CentralView,
    WholeView,
    random_view,
)
from deit_spec.recipe.recipe_schema import Augmentation

import_timm()

HARD = {"repeats": 3, "mixup": 0.5, "cutmix": 0.5}


def equal(one: list[Batch], other: list[Batch]) -> bool:
    assert len(one) == len(other)
    pairs = [
        pair
        for both in zip(one, other, strict=True)
        for pair in zip(*both, strict=True)
    ]
    return all(torch.equal(*pair) for pair in pairs)


def test_a_folder_is_split_by_seed(images: Path) -> None:
    data = open_images(images, data={"val_images": 6})
    assert data.classes == ("a", "b", "c")
    assert (data.train_count, data.val_count) == (18, 6)
    held = torch.cat([batch.labels for batch in data.val(4)])
    assert Counter(held.tolist()) == {0: 2, 1: 2, 2: 2}
    default = open_images(images)
    assert (default.train_count, default.val_count) == (22, 2)


def test_a_folder_may_have_its_own_parts(parts: Path) -> None:
    data = open_images(parts, data={"train_images": 12, "val_images": 6})
    assert (data.train_count, data.val_count) == (12, 15)
    labels = torch.cat([batch.labels for batch in data.train(0, 3)])
    assert labels.shape == (12, 3)


def test_what_is_hidden_or_no_image_is_not_seen(images: Path) -> None:
    folder = images / "images"
    (folder / ".cache").mkdir()
    (folder / "a" / ".thumbnail.png").write_bytes(b"")
    (folder / "a" / "notes.txt").write_text("no image")
    (folder / "a" / "more").mkdir()
    (folder / "a" / "0.png").rename(folder / "a" / "more" / "0.PNG")
    data = open_images(images)
    assert data.train_count + data.val_count == 24
    assert len(list(data.train(0, 5))) == 5
    assert data.unreadable == []


@pytest.mark.parametrize("world", [1, 2, 3])
def test_every_held_out_image_comes_once(parts: Path, world: int) -> None:
    data = open_images(parts, augmentation=PLAIN)
    found = [b for rank in range(world) for b in data.val(2, rank=rank, world=world)]
    seen = torch.cat([batch.images for batch in found]).flatten(1).tolist()
    there = [read_picture(p, 3) for p in (parts / "images" / "val").rglob("*.png")]
    view = CentralView(16, data.mean, data.std)
    assert sorted(seen) == sorted(view(each).flatten().tolist() for each in there)
    assert Counter(torch.cat([b.labels for b in found]).tolist()) == {0: 5, 1: 5, 2: 5}


def test_workers_do_not_matter(parts: Path) -> None:
    def run(workers: int) -> list[Batch]:
        data = open_images(parts, data={"workers": workers}, augmentation=HARD)
        return [*data.train(0, 8), *data.val(4)]

    alone = run(0)
    assert equal(alone, run(1))
    assert equal(alone, run(3))


def test_the_tail_of_a_run_is_a_run_from_there(parts: Path) -> None:
    data = open_images(parts, augmentation=HARD)
    whole = list(data.train(0, 15, rank=1, world=2))
    assert equal(whole[7:], list(data.train(7, 15, rank=1, world=2)))


def test_processes_share_the_images_of_a_step(parts: Path) -> None:
    """Before these are mixed, which each process does for itself."""
    data = open_images(parts, augmentation={**HARD, "mixup": 0.0, "cutmix": 0.0})
    whole = list(data.train(0, 6))
    for rank in range(2):
        part = list(data.train(0, 6, rank=rank, world=2))
        mine = [Batch(b.images[rank::2], b.labels[rank::2]) for b in whole]
        assert equal(part, mine)


def test_views_of_an_image_differ(parts: Path) -> None:
    """A repeated image is augmented anew, and so it is in another epoch."""
    data = open_images(parts, data={"train_images": 3}, augmentation={"mixup": 0.0})
    seen = torch.cat([batch.images for batch in data.train(0, 2)]).flatten(1)
    assert len({*map(tuple, seen.tolist())}) == 8


def test_random_states_stay_as_they_are(parts: Path) -> None:
    data = open_images(parts, augmentation=HARD)
    numpy = np.random.get_state()[1].copy()  # noqa: NPY002  -- what timm draws from
    before = random.getstate(), numpy, torch.get_rng_state()
    one = list(data.train(0, 3))
    list(data.val(4))
    assert random.getstate() == before[0]
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[2])
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    assert equal(one, list(data.train(0, 3)))


def test_images_may_be_grey(parts: Path) -> None:
    data = open_images(parts, spec={"in_channels": 1}, augmentation=HARD)
    assert data.mean == GREY_MEAN
    weights = torch.tensor([0.299, 0.587, 0.114])
    assert (
        abs((weights * torch.tensor(IMAGENET_MEAN)).sum().item() - data.mean[0]) < 1e-4
    )
    assert next(data.train(0, 1)).images.shape == (4, 1, 16, 16)


@pytest.mark.parametrize("words", ["rand-m9-mstd0.5-inc1", None])
@pytest.mark.parametrize("crop", [[0.5, 1.0], None])
def test_training_has_the_transforms_of_timm(
    parts: Path, words: str | None, crop: list[float] | None
) -> None:
    augmentation = {"rand_augment": words, "crop_scale": crop}
    data = open_images(parts, augmentation=augmentation)
    assert next(data.train(0, 1)).images.shape == (4, 3, 16, 16)
    steps = [type(step).__name__ for step in data._train.view.transforms]
    assert steps == [
        "RandomResizedCropAndInterpolation" if crop else "WholeView",
        "RandomHorizontalFlip",
        "RandAugment" if words else "ColorJitter",
        "MaybeToTensor",
        "Normalize",
        "RandomErasing",
    ]
    assert data._train.view.transforms[-1].mode == "pixel"


@pytest.mark.parametrize(
    "words", ["rand-m9-mstd0.5-inc1", "rand-m10-mmax20-mstd5-inc1"]
)
def test_no_magnitude_is_too_high_for_pillow(words: str) -> None:
    """At 10 and above timm posterizes to no bits, which Pillow refuses."""
    augmentation = Augmentation(rand_augment=words, crop_scale=None, erasing=0.0)
    view = random_view(augmentation, 4, IMAGENET_MEAN, (0.229, 0.224, 0.225))
    image = Image.frombytes("RGB", (4, 4), random.Random(0).randbytes(48))
    view = pickle.loads(pickle.dumps(view))  # as it goes to a worker
    with seeded(0):
        for _ in range(2000):
            view(image)
        for op in view.transforms[2].ops:
            op.prob, op.magnitude, op.magnitude_std = 1.0, 1000, 0.0
            op(image)


@pytest.mark.parametrize("size", [(30, 20), (20, 31), (16, 16), (7, 90), (225, 300)])
@pytest.mark.parametrize("side", [16, 17, 32])
def test_evaluation_sees_what_timm_shows(size: tuple[int, int], side: int) -> None:
    from timm.data import create_transform  # noqa: PLC0415

    pixels = random.Random(str(size)).randbytes(3 * size[0] * size[1])
    image = Image.frombytes("RGB", size, pixels)
    theirs = create_transform(side, interpolation="bicubic", crop_pct=0.875)
    ours = CentralView(side, IMAGENET_MEAN, (0.229, 0.224, 0.225))
    torch.testing.assert_close(ours(image), theirs(image))
    whole = create_transform(side, interpolation="bicubic", crop_pct=1.0)
    assert (
        WholeView(side)(image).tobytes()
        == whole.transforms[1](whole.transforms[0](image)).tobytes()
    )
