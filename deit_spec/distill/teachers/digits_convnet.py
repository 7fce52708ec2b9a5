"""The built-in teacher: a small convnet that is trained on the digits."""

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812  -- as everyone writes it
from torch import Tensor, nn

from deit_spec.atomic_write import atomic_write
from deit_spec.distill import runtime_errors as errors
from deit_spec.distill.data import Data
from deit_spec.distill.data.batch_transforms import Warp
from deit_spec.distill.data.digits import Digits
from deit_spec.distill.runtime_errors import DataError, recipe_of
from deit_spec.distill.seeds import generator_of, seed_of, threads
from deit_spec.distill.teachers.teacher_networks import TeacherNetwork
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.run_files import TEACHER
from deit_spec.weights import WeightsError, open_checkpoint, safetensors_file

ORIGIN = "deit_spec.origin"
"""The key of a file's metadata with the hash that the weights follow from."""
OnStep: TypeAlias = Callable[[int, int], None]
"""Receives the number of completed steps and the total number of steps."""
BATCH = 64
WIDTHS = (32, 64)
LR, WEIGHT_DECAY, WARM_UP = 2e-3, 0.05, 0.1
WARP = Warp(crop_scale=(0.85, 1.0), aspect=(0.9, 1 / 0.9), shift=0.08, rotate=12)
"""Shifts of two thirds of a pixel, rotations of 12°, and scales up to 1.08."""


def digits_convnet(
    checked: CheckedRecipe,
    data: Data,
    weights: Path | None,
    folder: Path,
    on_step: OnStep | None = None,
) -> TeacherNetwork:
    """Load the convnet from `weights` or the folder, or train and save it there."""
    if not isinstance(data, Digits):
        message = "digits_convnet accepts only digits"
        raise errors.data_error(checked, "teacher.builtin", "DS511", message)
    if weights:
        network = _load(checked, weights, len(data.classes))
    else:
        network = _load_or_train(checked, data, folder / TEACHER, on_step)
    # It was trained on images in [0, 1], whatever the student's normalisation.
    return TeacherNetwork(network, (0.0,), (1.0,), channels=1)


def _load_or_train(
    checked: CheckedRecipe, data: Digits, path: Path, on_step: OnStep | None
) -> "DigitsConvnet":
    recipe = recipe_of(checked)
    images, labels = data.train_images, data.train_labels
    classes, seed = len(data.classes), recipe.run.seed
    steps = recipe.teacher.steps if recipe.teacher else 0
    origin = origin_of(images, labels, classes=classes, steps=steps, seed=seed)
    if safetensors_file.metadata_of(path).get(ORIGIN) == origin:
        return _load(checked, path, classes)
    network = train_convnet(
        images, labels, classes=classes, steps=steps, seed=seed, on_step=on_step
    )
    with errors.writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        save_convnet(network, path, origin)
    return network


def _load(checked: CheckedRecipe, path: Path, classes: int) -> "DigitsConvnet":
    try:
        return load_convnet(path, channels=1, classes=classes)
    except WeightsError as error:
        raise DataError(error.diagnostics) from None
    except RuntimeError:
        reason = f"{path} is not a digits_convnet of {classes} classes"
        raise errors.unusable_teacher(checked, "teacher.weights", reason) from None


class DigitsConvnet(nn.Sequential):
    """Four convolutions and a global average, `[B, C, S, S]` to `[B, K]`."""

    def __init__(self, channels: int, classes: int) -> None:
        narrow, wide = WIDTHS
        super().__init__(
            *_convolution(channels, narrow),
            *_convolution(narrow, narrow),
            nn.MaxPool2d(2),
            *_convolution(narrow, wide),
            *_convolution(wide, wide),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(wide, classes),
        )


def _convolution(channels: int, width: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    ]


@threads(1)  # the result would depend on the number
def train_convnet(  # noqa: PLR0913  -- what the result follows from, and `on_step`
    images: Tensor,
    labels: Tensor,
    *,
    classes: int,
    steps: int,
    seed: int,
    on_step: OnStep | None = None,
) -> DigitsConvnet:
    """Train a convnet on images `[n, C, S, S]` in [0, 1] and labels `[n]`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "convnet"))
        network = DigitsConvnet(images.shape[1], classes)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = LR * _rate(step / steps)
        source = generator_of(seed, "convnet", step)
        chosen = torch.randint(len(images), (BATCH,), generator=source)
        logits = network(WARP(images[chosen], source))
        optimizer.zero_grad()
        loss = F.cross_entropy(logits, labels[chosen], label_smoothing=0.1)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if on_step is not None:
            on_step(step + 1, steps)
    return network.eval()


def _rate(done: float) -> float:
    """A linear warm-up, then half a cosine."""
    if done < WARM_UP:
        return (done + 0.01) / (WARM_UP + 0.01)
    return 0.5 + 0.5 * math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))


def origin_of(
    images: Tensor, labels: Tensor, *, classes: int, steps: int, seed: int
) -> str:
    """A hash of the arguments of `train_convnet`, which determine the result."""
    digest = hashlib.sha256(f"{list(images.shape)} {classes} {steps} {seed}".encode())
    for tensor in (images, labels):
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def save_convnet(network: DigitsConvnet, path: Path, origin: str) -> None:
    """Save weights and statistics as safetensors."""
    floating = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if tensor.is_floating_point()  # not the counters of batches
    }
    with atomic_write(path) as file:
        safetensors_file.write(file, floating, metadata={ORIGIN: origin})


def load_convnet(path: Path, *, channels: int, classes: int) -> DigitsConvnet:
    """Load what `save_convnet` saved; a RuntimeError for another network."""
    network = DigitsConvnet(channels, classes)
    network.load_state_dict(dict(open_checkpoint(path).tensors))
    return network.eval()
