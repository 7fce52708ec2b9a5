"""How right a head is, and how well it knows it: sums that batches add to."""

from dataclasses import dataclass

import torch
from torch import Tensor

BINS = 15
"""Of equal width, in the calibration error."""
MOST = 5
"""Classes of which one is the label, in `top5`."""

_COUNTS = 4
"""Images, right first, right among the first five, negative log-likelihood."""
SUMS = _COUNTS + 3 * BINS
"""The counts; then for each bin its images, its confidence and its right answers."""


@dataclass(frozen=True)
class HeadScores:
    """What a head scores: shares from 0 to 1, and `nll` in nats.

    `ece` is the expected calibration error over 15 bins of equal width: equation 3
    of Guo et al., "On calibration of modern neural networks", ICML 2017. `top5` is
    over all classes where there are fewer than five.
    """

    top1: float
    top5: float
    nll: float
    ece: float


def sums_of(log_probabilities: Tensor, labels: Tensor) -> Tensor:
    """Sum up a batch, `[SUMS]` in the dtype of the probabilities.

    Args:
        log_probabilities: Of each class, `[B, K]`.
        labels: Class indices `[B]`.
    """
    rank = _ranks(log_probabilities, labels)
    right = (rank == 0).to(log_probabilities)
    own = log_probabilities.gather(1, labels[:, None])
    counts = (torch.ones_like(right), right, (rank < MOST).to(right), -own[:, 0])
    confidence = log_probabilities.amax(dim=1).exp()
    # Bin m, from 1, is of confidences above (m - 1) / BINS up to m / BINS.
    edges = torch.arange(1, BINS).to(confidence) / BINS
    bins = torch.bucketize(confidence, edges)
    parts = (torch.ones_like(right), confidence, right)
    empty = confidence.new_zeros(BINS)
    binned = [empty.index_add(0, bins, part) for part in parts]
    return torch.cat([torch.stack([each.sum() for each in counts]), *binned])


def scores_of(sums: Tensor) -> HeadScores:
    """Make scores of sums over at least one image."""
    images, first, among, nll = sums[:_COUNTS].tolist()
    _, confidence, right = sums[_COUNTS:].view(3, BINS)
    gaps = (right - confidence).abs().sum().item()  # each weighted by its images
    return HeadScores(first / images, among / images, nll / images, gaps / images)


def _ranks(scores: Tensor, labels: Tensor) -> Tensor:
    """How many classes come before the label, `[B]`; a NaN is behind them all.

    Of two equal classes the one with the lower index comes first, as for argmax.
    """
    own = scores.gather(1, labels[:, None])
    classes = torch.arange(scores.shape[1], device=scores.device)
    later = classes > labels[:, None]
    behind = (scores < own) | ((scores == own) & later)
    return (~behind & (classes != labels[:, None])).sum(dim=1)
