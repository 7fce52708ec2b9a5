"""The transforms of training are those of timm."""

import pickle
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image, ImageFilter, ImageOps
from support.recipes import open_images

from deit_spec.distill.data.transforms import training_transform
from deit_spec.distill.optional_packages import import_package
from deit_spec.distill.seeds import temporary_seed
from deit_spec.model.preprocessing import IMAGENET_MEAN, IMAGENET_STD
from deit_spec.recipe.augmentation_settings import Augmentation, Policy


@pytest.mark.parametrize("words", ["rand-m9-mstd0.5-inc1", None])
@pytest.mark.parametrize("crop", [[0.5, 1.0], None])
def test_training_has_the_transforms_of_timm(
    parts: Path, words: str | None, crop: list[float] | None
) -> None:
    augmentation = {"rand_augment": words, "crop_scale": crop}
    data = open_images(parts, augmentation=augmentation)
    assert next(data.train(0, 1)).images.shape == (4, 3, 16, 16)
    steps = [type(step).__name__ for step in data._train.transform.transforms]
    assert steps == [
        *(["RandomResizedCropAndInterpolation"] if crop else ["Resize", "CenterCrop"]),
        "RandomHorizontalFlip",
        "RandAugment" if words else "ColorJitter",
        "MaybeToTensor",
        "Normalize",
        "RandomErasing",
    ]
    assert data._train.transform.transforms[-1].mode == "pixel"


def picture(width: int = 40, height: int = 30) -> Image.Image:
    """Coloured noise, coarse enough that blur and crops leave something of it."""
    noise = random.Random(0).randbytes(3 * 10 * 8)
    small = Image.frombytes("RGB", (10, 8), noise)
    return small.resize((width, height), Image.Resampling.BICUBIC)


def test_three_augment_is_that_of_timm() -> None:
    """The same pixels of the same image and seed."""
    augmentation = Augmentation(policy="three_augment", color_jitter=0.3)
    ours = training_transform(augmentation, 16, IMAGENET_MEAN, IMAGENET_STD)
    theirs = timm_data().create_transform(
        *(16, True),
        auto_augment="3a",
        color_jitter=0.3,
        interpolation="bicubic",
        re_prob=0.25,
        re_mode="pixel",
    )
    for seed in range(30):
        with temporary_seed(seed):
            expected = theirs(picture())
        with temporary_seed(seed):
            assert torch.equal(ours(picture()), expected)


def test_three_augment_is_one_of_three_alike() -> None:
    """As the authors' code: `Grayscale(3)`, `solarize` or a blur of 0.1 to 2."""
    augmentation = Augmentation(policy="three_augment", color_jitter=0.0)
    view = training_transform(augmentation, 16, IMAGENET_MEAN, IMAGENET_STD)
    chosen = view.transforms[2]
    image, found = picture(), Counter[str]()
    gray = transforms().Grayscale(3)(image).tobytes()
    solar = ImageOps.solarize(image).tobytes()
    with temporary_seed(0):
        for _ in range(900):
            state = random.getstate()
            seen = chosen(image).tobytes()
            name = {gray: "gray", solar: "solar"}.get(seen, "blur")
            found[name] += 1
            if name == "blur":
                after = random.getstate()
                random.setstate(state)
                random.choice(range(3))
                blur = ImageFilter.GaussianBlur(random.uniform(0.1, 2.0))
                assert image.filter(blur).tobytes() == seen
                assert random.getstate() == after
    assert min(found.values()) > 240  # 4 standard deviations below 300


@pytest.mark.parametrize("policy", ["rand_augment", "three_augment", "none"])
def test_grey_images_have_every_policy(policy: Policy) -> None:
    augmentation = Augmentation(policy=policy)
    view = training_transform(augmentation, 16, (0.5,), (0.5,))
    with temporary_seed(0):
        for _ in range(30):
            assert view(picture().convert("L")).shape == (1, 16, 16)


@pytest.mark.parametrize("size", [(40, 30), (16, 40), (12, 9)])
def test_the_simple_crop_is_that_of_the_authors(size: tuple[int, int]) -> None:
    """DeiT III: the shorter side resized, 4 pixels reflected, a square cropped."""
    augmentation = Augmentation(policy="none", crop="simple", color_jitter=0.0)
    view = training_transform(augmentation, 16, IMAGENET_MEAN, IMAGENET_STD)
    t = transforms()
    theirs = t.Compose(
        [
            t.Resize(16, interpolation=t.InterpolationMode.BICUBIC),
            t.RandomCrop(16, padding=4, padding_mode="reflect"),
            t.RandomHorizontalFlip(),
            t.ToTensor(),
            t.Normalize(IMAGENET_MEAN, IMAGENET_STD),
            view.transforms[-1],
        ]
    )
    for seed in range(20):
        with temporary_seed(seed):
            expected = theirs(picture(*size))
        with temporary_seed(seed):
            assert torch.equal(view(picture(*size)), expected)


def timm_data() -> Any:
    return import_package("timm.data")


def transforms() -> Any:
    return import_package("torchvision.transforms")


@pytest.mark.parametrize(
    ("settings", "policy"),
    [
        ({}, "rand_augment"),
        ({"rand_augment": None}, "none"),
        ({"policy": "none"}, "none"),
        ({"policy": "three_augment", "rand_augment": None}, "three_augment"),
    ],
)
def test_the_policy_follows_from_rand_augment(
    settings: dict[str, Any], policy: str
) -> None:
    """A recipe without a policy means what it has always meant."""
    assert Augmentation(**settings).chosen_policy == policy


@pytest.mark.parametrize(
    "words", ["rand-m9-mstd0.5-inc1", "rand-m10-mmax20-mstd5-inc1"]
)
def test_no_magnitude_is_too_high_for_pillow(words: str) -> None:
    """At 10 and above timm posterizes to no bits, which Pillow refuses."""
    augmentation = Augmentation(rand_augment=words, crop_scale=None, erasing=0.0)
    view = training_transform(augmentation, 4, IMAGENET_MEAN, (0.229, 0.224, 0.225))
    image = Image.frombytes("RGB", (4, 4), random.Random(0).randbytes(48))
    view = pickle.loads(pickle.dumps(view))  # as it goes to a worker
    with temporary_seed(0):
        for _ in range(2000):
            view(image)
        for op in view.transforms[3].ops:
            op.prob, op.magnitude, op.magnitude_std = 1.0, 1000, 0.0
            op(image)
