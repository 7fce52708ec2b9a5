"""The transforms of training are those of timm."""

import pickle
import random
from pathlib import Path

import pytest
from PIL import Image
from support.recipes import open_images

from deit_spec.distill.data.transforms import training_transform
from deit_spec.distill.seeds import temporary_seed
from deit_spec.model.preprocessing import IMAGENET_MEAN
from deit_spec.recipe.augmentation_settings import Augmentation


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
