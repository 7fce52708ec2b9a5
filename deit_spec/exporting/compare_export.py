"""Compare the outputs of an exported file with those of the model."""

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from deit_spec.model.exported_interface import ExportedInterface

Outputs: TypeAlias = Callable[[Tensor], Tensor]
"""From normalised images `[B, C, S, S]` to logits `[B, K]`, or to features `[B, …]`."""

_LOGITS = ExportedInterface()


@dataclass(frozen=True)
class Comparison:
    """How far the outputs of an exported file are from those of the model.

    Errors are relative to the largest absolute logit of the model over all images, or
    to its largest probability or feature, if the file returns these.

    Attributes:
        images: The number of images.
        largest_error: The largest error of all outputs; infinite if one is not finite.
        mean_error: The mean error of all outputs.
        agreeing: The number of images for which both have the same most likely class;
            None for features.
        worst_image: The image with the largest error.
    """

    images: int
    largest_error: float
    mean_error: float
    agreeing: int | None
    worst_image: str

    @property
    def agreement(self) -> float | None:
        """The share of images with the same most likely class, from 0 to 1."""
        return None if self.agreeing is None else self.agreeing / self.images


@torch.no_grad()
def compare(
    reference: Outputs,
    exported: Outputs,
    batches: Iterable[tuple[Sequence[str], Tensor]],
    interface: ExportedInterface = _LOGITS,
) -> Comparison:
    """Compare outputs for batches of images and their names, in float64.

    Args:
        reference: Returns the logits, or the features, of the model.
        exported: Returns those of the file, as `ExportedModule` does. For a file that
            returns probabilities they are the logarithms of these.
        batches: The names and images of each batch.
        interface: What the file returns. The errors are those of its output.

    Raises:
        ValueError: There are no images, or the outputs have different shapes.
    """
    largest = total = 0.0
    scale = sys.float_info.min  # positive: all logits may be zero
    images = numbers = agreeing = 0
    worst = ""
    for names, inputs in batches:
        expected, found = (
            each(inputs).detach().cpu().double() for each in (reference, exported)
        )
        if expected.shape != found.shape:
            shapes = f"{list(found.shape)}, not {list(expected.shape)}"
            raise ValueError(f"the outputs of the exported file are {shapes}")
        expected, found = expected.flatten(1), found.flatten(1)
        same = expected.argmax(dim=1) == found.argmax(dim=1)
        agreeing += int((same & ~found.isnan().any(dim=1)).sum())
        errors, highest = _errors(expected, found, interface)
        by_image = errors.amax(dim=1)
        if not worst or float(by_image.max()) > largest:
            worst = names[int(by_image.argmax())]
        largest = max(largest, float(by_image.max()))
        scale = max(scale, highest)
        total += float(errors.sum())
        images, numbers = images + len(names), numbers + errors.numel()
    if not images:
        raise ValueError("there are no images to compare the outputs on")
    return Comparison(
        images,
        largest / scale,
        total / numbers / scale,
        None if interface.output == "features" else agreeing,
        worst,
    )


def _errors(
    expected: Tensor, found: Tensor, interface: ExportedInterface
) -> tuple[Tensor, float]:
    """The absolute errors of what a file returns, and the largest expected value."""
    if interface.output in {"probabilities", "topk"}:
        expected, found = expected.softmax(dim=1), found.exp()
    highest = float(expected.abs().nan_to_num(posinf=0).max())
    if interface.k is None:
        return _difference(expected, found), highest
    values, classes = found.topk(interface.k, dim=1)
    # A file that names other classes than the most likely ones is wrong, too.
    wrong = _difference(expected.topk(interface.k, dim=1).values, values)
    return wrong.maximum(_difference(expected.gather(1, classes), values)), highest


def _difference(expected: Tensor, found: Tensor) -> Tensor:
    """The absolute difference; infinite where a value is not a number."""
    found = (expected - found).abs().masked_fill(expected == found, 0)
    return found.nan_to_num(nan=math.inf, posinf=math.inf)
