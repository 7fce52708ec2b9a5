"""Scores equal the formulas written out over all images at once."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, log_loss, top_k_accuracy_score
from torch import Tensor

from deit_spec.distill.evaluation import BINS, HeadScores, scores_of, sums_of

sizes = st.integers(1, 60), st.integers(2, 12), st.integers(0, 1000)


def drawn(
    images: int, classes: int, seed: int, scale: float = 2.0
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(
        images, classes, generator=generator, dtype=torch.float64
    )
    return logits, torch.randint(classes, (images,), generator=generator)


def score(logits: Tensor, labels: Tensor) -> HeadScores:
    return scores_of(sums_of(F.log_softmax(logits, dim=1), labels))


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Equation 3 of Guo et al., bin by bin, as it is written there."""
    confidence, answer = probabilities.max(axis=1), probabilities.argmax(axis=1)
    total = 0.0
    for m in range(1, BINS + 1):
        inside = (confidence > (m - 1) / BINS) & (confidence <= m / BINS)
        if inside.any():
            accuracy = (answer == labels)[inside].mean()
            gap = abs(accuracy - confidence[inside].mean())
            total += inside.sum() / len(labels) * gap
    return total


@given(*sizes)
def test_scores_are_those_of_sklearn(images: int, classes: int, seed: int) -> None:
    logits, labels = drawn(images, classes, seed)
    found, every = score(logits, labels), list(range(classes))
    probabilities, right = logits.softmax(dim=1).numpy(), labels.numpy()
    assert found.top1 == accuracy_score(right, probabilities.argmax(axis=1))
    if classes > 5:
        expected = top_k_accuracy_score(right, probabilities, k=5, labels=every)
        assert found.top5 == pytest.approx(expected)
    else:
        assert found.top5 == 1
    assert found.nll == pytest.approx(log_loss(right, probabilities, labels=every))


@given(*sizes, st.sampled_from([0.1, 1.0, 10.0, 100.0]))
def test_calibration_error_is_the_formula(
    images: int, classes: int, seed: int, scale: float
) -> None:
    logits, labels = drawn(images, classes, seed, scale)
    expected = calibration_error(logits.softmax(dim=1).numpy(), labels.numpy())
    assert score(logits, labels).ece == pytest.approx(expected, abs=1e-12)


@given(*sizes, st.integers(1, 20))
def test_sums_of_parts_are_the_sums_of_the_whole(
    images: int, classes: int, seed: int, part: int
) -> None:
    logits, labels = drawn(images, classes, seed)
    answers = F.log_softmax(logits, dim=1)
    pieces = zip(answers.split(part), labels.split(part), strict=True)
    total = torch.stack([sums_of(*piece) for piece in pieces]).sum(dim=0)
    whole = sums_of(answers, labels)
    torch.testing.assert_close(total, whole, rtol=1e-12, atol=1e-12)


def test_hand_values() -> None:
    """Two of three right, at confidences ½, ½ and 1."""
    probabilities = torch.tensor([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [0, 0, 1]])
    sums = sums_of(probabilities.double().log(), torch.tensor([0, 1, 2]))
    found = scores_of(sums)
    assert found.top1 == pytest.approx(2 / 3)
    assert found.top5 == 1
    assert found.nll == pytest.approx((math.log(2) + math.log(4)) / 3)
    assert found.ece == pytest.approx(0, abs=1e-15)  # half of those at ½ are right


def test_confidence_on_an_edge_is_in_the_bin_below() -> None:
    edges = torch.arange(1, BINS + 1, dtype=torch.float64) / BINS
    many = torch.full((BINS, BINS - 1), 0.0, dtype=torch.float64)
    probabilities = torch.cat([edges[:, None], many], dim=1)
    sums = sums_of(probabilities.log(), torch.zeros(BINS, dtype=torch.long))
    assert sums[4 : 4 + BINS].tolist() == [1.0] * BINS


def test_equal_classes_are_in_their_order() -> None:
    logits = torch.zeros(8, 8, dtype=torch.float64)
    found = score(logits, torch.arange(8))
    assert (found.top1, found.top5) == (1 / 8, 5 / 8)


def test_nan_is_never_right() -> None:
    logits = torch.full((6, 6), math.nan, dtype=torch.float64)
    found = score(logits, torch.arange(6))
    assert (found.top1, found.top5) == (0, 0)
    assert math.isnan(found.nll)
