"""How right a student is: its class head, its distillation head, and both fused."""

import math
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812  -- as everyone writes it
from torch import Tensor, nn

from deit_spec.distill.metrics import SUMS, HeadScores, scores_of, sums_of

__all__ = [
    "Fusion",
    "HeadScores",
    "NoImagesError",
    "Scores",
    "answers_of",
    "evaluate",
    "heads_of",
]

Fusion: TypeAlias = Literal["mean_logits", "mean_softmax", "cls", "dist"]
"""How a spec says that two heads are joined, `variant.fusion`."""

HEADS = ("cls", "dist", "fused")


@dataclass(frozen=True)
class Scores:
    """What a student scores on `images` images, in so many seconds.

    A model with one head has neither `dist` nor `fused`. A head that tells other
    classes apart than the labels do has no scores. The seconds are those of the
    whole pass, with the reading of images; of several processes, their mean.
    """

    cls: HeadScores
    dist: HeadScores | None
    fused: HeadScores | None
    images: int
    seconds: float

    @property
    def answer(self) -> HeadScores:
        """The scores of what `model.predict` says."""
        return self.fused or self.cls

    @property
    def images_per_second(self) -> float:
        """How fast the pass was, reading included."""
        return self.images / self.seconds


class NoImagesError(ValueError):
    """There was nothing to evaluate on."""


def heads_of(scores: Scores) -> dict[str, HeadScores]:
    """The heads that have scores, by name."""
    found = {"cls": scores.cls, "dist": scores.dist, "fused": scores.fused}
    return {name: each for name, each in found.items() if each is not None}


@torch.no_grad()
def evaluate(  # noqa: PLR0913  -- one word for each thing that can differ
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    fusion: Fusion,
    device: torch.device | str = "cpu",
    autocast: Callable[[], AbstractContextManager[object]] | None = None,
    reduce: Callable[[Tensor], Tensor] | None = None,
) -> Scores:
    """Score a model, in evaluation mode; its mode is as it was afterwards.

    Sums are in float64, so the scores do not hang on how images are batched.

    Args:
        model: Takes images, returns logits `[B, K]` or a pair of them.
        batches: Pairs of normalised images `[B, C, S, S]` and class indices `[B]`.
        fusion: How two heads are joined, as the spec's `variant.fusion` says.
        device: Where the model is.
        autocast: Makes the context that the model runs in.
        reduce: Adds a tensor over all processes, each of which has its part of
            the images, or none; the result is on every one.

    Raises:
        NoImagesError: There are no images.
        ValueError: Their labels are no class indices.
    """
    device = torch.device(device)
    # Apple's GPUs have no float64.
    place = torch.device("cpu") if device.type == "mps" else device
    sums = torch.zeros(len(HEADS), SUMS, dtype=torch.float64, device=place)
    began, training = perf_counter(), model.training
    model.eval()
    try:
        for images, labels in batches:
            with autocast() if autocast else nullcontext():
                output = model(images.to(device, non_blocking=True))
            sums += _sum_up(output, labels, fusion, place)
    finally:
        model.train(training)
    sums = sums.cpu()
    took = torch.tensor([perf_counter() - began, 1.0], dtype=torch.float64)
    total = torch.cat([sums.flatten(), took]).to(place)
    total = (reduce(total) if reduce else total).cpu()
    return _scores(total[:-2].view(len(HEADS), SUMS), float(total[-2] / total[-1]))


def answers_of(
    output: Tensor | tuple[Tensor, Tensor], fusion: Fusion
) -> dict[str, Tensor]:
    """The log-probabilities of each head, and of both joined as `predict` does.

    `predict` returns logits, whose softmax this is; with `mean_softmax` it returns
    the probabilities themselves. One head alone is `cls`.
    """
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


def _sum_up(
    output: Tensor | tuple[Tensor, Tensor],
    labels: Tensor,
    fusion: Fusion,
    place: torch.device,
) -> Tensor:
    """The sums of a batch, `[heads, SUMS]`; zeros for what has no scores."""
    if labels.ndim != 1:
        raise ValueError(f"labels are class indices [B], not {list(labels.shape)}")
    labels = labels.to(place)
    heads = (output,) if isinstance(output, Tensor) else output
    exact = tuple(head.to(place).double() for head in heads)
    classes = exact[0].shape[1]
    answers = answers_of(exact[0] if len(exact) == 1 else (exact[0], exact[1]), fusion)
    none = torch.zeros(SUMS, dtype=torch.float64, device=place)
    return torch.stack(
        [
            sums_of(answers[name], labels)
            if name in answers and answers[name].shape[1] == classes
            else none
            for name in HEADS
        ]
    )


def _scores(sums: Tensor, seconds: float) -> Scores:
    images = int(sums[0, 0])
    if not images:
        raise NoImagesError("there are no images to evaluate on")
    cls, dist, fused = (scores_of(each) if each[0] else None for each in sums)
    assert cls is not None  # noqa: S101  -- there are images, and it has them all
    return Scores(cls, dist, fused, images, seconds)
