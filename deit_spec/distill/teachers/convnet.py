"""A small convnet for the digits, trained on the spot."""

import hashlib
import math
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812  -- as everyone writes it
from torch import Tensor, nn

from deit_spec.atomic_write import atomic_write
from deit_spec.distill.data.tensors import Warp
from deit_spec.distill.seeds import generator_of, seed_of
from deit_spec.distill.threads import threads
from deit_spec.weights import open_checkpoint
from deit_spec.weights.safetensors_file import metadata_of, write

ORIGIN = "deit_spec.origin"
"""Where a file says what its weights follow from."""
BATCH = 64
WIDTHS = (32, 64)
LR, WEIGHT_DECAY, WARM_UP = 2e-3, 0.05, 0.1
WARP = Warp(crop_scale=(0.85, 1.0), aspect=(0.9, 1 / 0.9), shift=0.08, rotate=12)
"""Two thirds of a pixel of eight, 12 degrees, and up to 1.08 times as large."""


class DigitsConvnet(nn.Sequential):
    """Four convolutions, and the mean of what they see; about 66,000 weights.

    A mean judges an image that is pasted together by what most of it shows, and one
    that is cropped as the whole: that is what a student asks of it.
    `[B, C, S, S]` to `[B, K]`.
    """

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


def train_convnet(
    images: Tensor, labels: Tensor, *, classes: int, steps: int, seed: int
) -> DigitsConvnet:
    """Train a convnet on images `[n, C, S, S]` in [0, 1] and labels `[n]`.

    `steps` steps of AdamW on 64 images, each shifted, turned and scaled mildly. It
    follows from the arguments alone, and torch's own random state stays as it is.
    """
    # For so little, more threads would only wait for each other. Nor does what is
    # learned depend on how many cores there are then.
    with threads(1):
        return _train(images, labels, classes, steps, seed)


def _train(
    images: Tensor, labels: Tensor, classes: int, steps: int, seed: int
) -> DigitsConvnet:
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
    return network.eval()


def _rate(done: float) -> float:
    """A linear warm-up, then half a cosine."""
    if done < WARM_UP:
        return (done + 0.01) / (WARM_UP + 0.01)
    return 0.5 + 0.5 * math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))


class UnsavedError(OSError):
    """A teacher cannot be written, unlike what cannot be read."""


def origin_of(
    images: Tensor, labels: Tensor, *, classes: int, steps: int, seed: int
) -> str:
    """A hash of all that `train_convnet` is given, and so of what it learns."""
    digest = hashlib.sha256(f"{list(images.shape)} {classes} {steps} {seed}".encode())
    for tensor in (images, labels):
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def read_origin(path: Path) -> str | None:
    """The hash that was saved; None where there is no such file, or none in it."""
    return metadata_of(path).get(ORIGIN)


def save_convnet(network: DigitsConvnet, path: Path, origin: str) -> None:
    """Save weights and statistics as safetensors, whole or not at all.

    On several machines one process of each may do so at once.

    Raises:
        UnsavedError: The file cannot be written.
    """
    floating = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if tensor.is_floating_point()  # a count of batches is of no use any more
    }
    try:
        with atomic_write(path) as file:
            write(file, floating, metadata={ORIGIN: origin})
    except OSError as error:
        name = error.filename or str(path)
        raise UnsavedError(error.errno, error.strerror or str(error), name) from error


def load_convnet(path: Path, *, channels: int, classes: int) -> DigitsConvnet:
    """Load what was saved.

    Raises:
        WeightsError: The file cannot be read.
        RuntimeError: It holds another network.
    """
    network = DigitsConvnet(channels, classes)
    network.load_state_dict(dict(open_checkpoint(path).tensors))
    return network.eval()
