"""Evaluate a student: its class head, its distillation head, and both fused."""

import math
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812  -- as everyone writes it
from torch import Tensor, nn

from deit_spec.distill.confusion_matrix import ConfusionMatrix

Fusion: TypeAlias = Literal["mean_logits", "mean_softmax", "cls", "dist"]
"""How two heads are joined, `variant.fusion` of a spec."""

HEADS = ("cls", "dist", "fused")
TOP = 5
"""The number of classes of `top5`."""
BINS = 15
"""The number of bins of the calibration error, of equal width."""
_COUNTS = 4
"""Images, top-1 hits, top-5 hits and the negative log-likelihood."""
SUMS = _COUNTS + 3 * BINS
"""The counts; then for each bin its images, its confidence and its hits."""


@dataclass(frozen=True)
class HeadScores:
    """The scores of a head: shares from 0 to 1, and `nll` in nats.

    `ece` is the expected calibration error over 15 bins of equal width: equation 3
    of Guo et al., "On calibration of modern neural networks", ICML 2017. With fewer
    than five classes `top5` is 1.
    """

    top1: float
    top5: float
    nll: float
    ece: float


@dataclass(frozen=True)
class Scores:
    """The scores on `images` images, and the seconds, including reading the images.

    `dist` and `fused` are None without a second head, or if its classes are not those
    of the labels. The seconds of several processes are the mean.
    """

    cls: HeadScores
    dist: HeadScores | None
    fused: HeadScores | None
    images: int
    seconds: float

    @property
    def answer(self) -> HeadScores:
        """The scores of the output of `model.predict`."""
        return self.fused or self.cls

    @property
    def images_per_second(self) -> float:
        """The throughput, including reading the images."""
        return self.images / self.seconds


class NoImagesError(ValueError):
    """There are no images to evaluate on."""


def heads_of(scores: Scores) -> dict[str, HeadScores]:
    """The heads that have scores, by name."""
    found = {name: getattr(scores, name) for name in HEADS}
    return {name: each for name, each in found.items() if each is not None}


@torch.no_grad()
def evaluate(  # noqa: PLR0913  -- one argument for each thing that can differ
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    fusion: Fusion,
    device: torch.device | str = "cpu",
    autocast: Callable[[], AbstractContextManager[object]] | None = None,
    reduce: Callable[[Tensor], Tensor] | None = None,
    confusion: ConfusionMatrix | None = None,
) -> Scores:
    """Score a model in evaluation mode; each module's mode is restored afterwards.

    Batches are normalised images `[B, C, S, S]` and class indices `[B]`; the model
    returns logits `[B, K]` or a pair. `autocast` makes the context that it runs in, and
    `reduce` sums a tensor over all processes, each of which has a share of the images.
    Sums are in float64, so the scores do not depend on the batch size. `confusion`
    counts the predictions of the output of `model.predict` in this process.

    Raises NoImagesError if there are no images.
    """
    device = torch.device(device)
    # Apple's GPUs have no float64.
    sums_device = torch.device("cpu") if device.type == "mps" else device
    sums = torch.zeros(len(HEADS), SUMS, dtype=torch.float64, device=sums_device)
    began, training = perf_counter(), [m for m in model.modules() if m.training]
    model.eval()
    try:
        for images, labels in batches:
            with autocast() if autocast else nullcontext():
                output = model(images.to(device, non_blocking=True))
            answers = answers_of(in_float64(output, sums_device), fusion)
            labels = labels.to(sums_device)  # noqa: PLW2901
            sums += _batch_sums(answers, labels)
            if confusion is not None:
                confusion.add(_predicted(answers), labels)
    finally:
        for module in training:
            module.training = True
    sums = sums.cpu()
    took = torch.tensor([perf_counter() - began, 1.0], dtype=torch.float64)
    total = torch.cat([sums.flatten(), took]).to(sums_device)
    total = (reduce(total) if reduce else total).cpu()
    by_head = total[:-2].view(len(HEADS), SUMS)
    count = int(by_head[0, 0])
    if not count:
        raise NoImagesError("there are no images to evaluate on")
    cls, dist, fused = (scores_of(each) if each[0] else None for each in by_head)
    assert cls is not None  # noqa: S101  -- there are images
    return Scores(cls, dist, fused, count, float(total[-2] / total[-1]))


def answers_of(
    output: Tensor | tuple[Tensor, Tensor], fusion: Fusion
) -> dict[str, Tensor]:
    """The log-probabilities of each head, and of both fused as `predict` does."""
    if isinstance(output, Tensor):
        return {"cls": F.log_softmax(output, dim=1)}
    cls, dist = (F.log_softmax(each, dim=1) for each in output)
    if fusion == "mean_logits":
        fused = F.log_softmax((output[0] + output[1]) / 2, dim=1)
    elif fusion == "mean_softmax":
        fused = torch.logaddexp(cls, dist) - math.log(2)
    else:
        fused = cls if fusion == "cls" else dist
    return {"cls": cls, "dist": dist, "fused": fused}


def _batch_sums(answers: dict[str, Tensor], labels: Tensor) -> Tensor:
    """The sums of a batch, `[heads, SUMS]`; zeros for a head without scores."""
    if labels.ndim != 1:
        raise ValueError(f"labels are class indices [B], not {list(labels.shape)}")
    sums = torch.zeros(len(HEADS), SUMS, dtype=torch.float64, device=labels.device)
    for index, head in enumerate(HEADS):
        if head in answers and answers[head].shape == answers["cls"].shape:
            sums[index] = sums_of(answers[head], labels)
    return sums


def _predicted(answers: dict[str, Tensor]) -> Tensor:
    """The most likely classes `[B]`, of both heads fused if that has scores."""
    found = answers.get("fused", answers["cls"])
    found = found if found.shape == answers["cls"].shape else answers["cls"]
    return found.argmax(dim=1)


def in_float64(
    output: Tensor | tuple[Tensor, Tensor], device: torch.device | str = "cpu"
) -> Tensor | tuple[Tensor, Tensor]:
    """The logits of a model on another device, and then as float64."""
    if isinstance(output, Tensor):
        return output.to(device).double()
    return output[0].to(device).double(), output[1].to(device).double()


def sums_of(log_probabilities: Tensor, labels: Tensor) -> Tensor:
    """The sums `[SUMS]` of a batch of log-probabilities `[B, K]` and labels `[B]`."""
    own = log_probabilities.gather(1, labels[:, None])
    # Of two equal classes the one with the lower index comes first, as for argmax.
    ranked = log_probabilities.argsort(dim=1, descending=True, stable=True)
    found = ((ranked[:, :TOP] == labels[:, None]) & ~own.isnan()).to(own)
    hits = found[:, 0]
    counts = (torch.ones_like(hits), hits, found.sum(dim=1), -own[:, 0])
    confidence = log_probabilities.amax(dim=1).exp()
    # Bin m, from 1, has the confidences above (m - 1) / BINS up to m / BINS.
    edges = torch.arange(1, BINS).to(confidence) / BINS
    bins = torch.bucketize(confidence, edges)
    parts = (torch.ones_like(hits), confidence, hits)
    empty = confidence.new_zeros(BINS)
    binned = [empty.index_add(0, bins, part) for part in parts]
    return torch.cat([torch.stack([each.sum() for each in counts]), *binned])


def scores_of(sums: Tensor) -> HeadScores:
    """The scores from sums over at least one image."""
    images, top1, top5, nll = sums[:_COUNTS].tolist()
    _, confidence, hits = sums[_COUNTS:].view(3, BINS)
    gaps = (hits - confidence).abs().sum().item()  # each weighted by its images
    return HeadScores(top1 / images, top5 / images, nll / images, gaps / images)
