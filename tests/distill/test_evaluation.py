"""Scores of heads, alone and fused, equal the formulas over all images at once."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, log_loss, top_k_accuracy_score
from support.checkpoints import DISTILLED, PLAIN, model_of
from torch import Tensor

import deit_spec
from deit_spec.distill.evaluation import (
    BINS,
    Fusion,
    HeadScores,
    Scores,
    answers_of,
    evaluate,
    scores_of,
    sums_of,
)

FUSIONS: tuple[Fusion, ...] = ("mean_logits", "mean_softmax", "cls", "dist")


def batches(size: int, images: int = 23) -> Iterator[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randn(images, 3, 32, 32, generator=generator)
    labels = torch.randint(5, (images,), generator=generator)
    return zip(pixels.split(size), labels.split(size), strict=True)


def figures(scores: Scores) -> list[Any]:
    return [scores.cls, scores.dist, scores.fused, scores.images]


@pytest.mark.parametrize("fusion", FUSIONS)
def test_fused_is_what_predict_says(fusion: Fusion) -> None:
    spec = {**DISTILLED, "variant": {**DISTILLED["variant"], "fusion": fusion}}
    model = model_of(spec)
    ((images, labels),) = batches(23)
    with torch.no_grad():
        predicted = model.predict(images)  # type: ignore[operator]
        fused = answers_of(model(images), fusion)["fused"]
    expected = predicted if fusion == "mean_softmax" else predicted.softmax(dim=1)
    torch.testing.assert_close(fused.exp(), expected)
    found = evaluate(model, batches(23), fusion=fusion)
    assert found.fused is not None
    assert found.answer is found.fused
    right = (predicted.argmax(dim=1) == labels).double().mean().item()
    assert found.fused.top1 == pytest.approx(right)
    nll = -expected.double().log().gather(1, labels[:, None]).mean().item()
    assert found.fused.nll == pytest.approx(nll, rel=1e-5)


@pytest.mark.parametrize("size", [1, 4, 22])
def test_scores_do_not_depend_on_the_batch_size(size: int) -> None:
    model = model_of(DISTILLED)
    one, other = (
        evaluate(model, batches(each), fusion="mean_softmax") for each in (size, 23)
    )
    for head, same in zip(figures(one)[:3], figures(other)[:3], strict=True):
        assert (head.top1, head.top5) == (same.top1, same.top5)
        assert head.nll == pytest.approx(same.nll, rel=1e-5)
        assert head.ece == pytest.approx(same.ece, rel=1e-4)


def test_processes_add_their_parts() -> None:
    """A process with no images at all takes part too."""
    model, every = model_of(DISTILLED), list(batches(4))
    sent: list[Tensor] = []

    def note(total: Tensor) -> Tensor:
        sent.append(total)
        return total

    parts = every[:2], every[2:]
    for part in parts:
        evaluate(model, part, fusion="cls", reduce=note)
    found = evaluate(model, [], fusion="cls", reduce=lambda own: own + sum(sent))
    whole = evaluate(model, every, fusion="cls")
    assert found.images == whole.images == 23
    assert found.cls.nll == pytest.approx(whole.cls.nll, rel=1e-12)
    assert found.cls.ece == pytest.approx(whole.cls.ece, rel=1e-9)
    assert found.seconds > 0


def test_one_head_alone() -> None:
    found = evaluate(model_of(PLAIN), batches(8), fusion="mean_logits")
    assert (found.dist, found.fused) == (None, None)
    assert found.answer is found.cls


@pytest.mark.parametrize("fusion", ["cls", "dist"])
def test_head_with_other_classes_has_no_scores(fusion: Fusion) -> None:
    variant = {"init": "fan_in", "fusion": fusion}
    model = model_of({**DISTILLED, "teacher_num_classes": 7, "variant": variant})
    found = evaluate(model, batches(8), fusion=fusion)
    assert found.dist is None
    assert found.fused == (found.cls if fusion == "cls" else None)


def test_mode_and_gradients_are_as_they_were() -> None:
    model = deit_spec.load({**PLAIN, "dropout": 0.9}).train()
    one, other = (evaluate(model, batches(8), fusion="cls") for _ in range(2))
    assert model.training
    assert figures(one) == figures(other)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_no_images_and_mixed_labels() -> None:
    model = model_of(PLAIN)
    with pytest.raises(ValueError, match="no images"):
        evaluate(model, [], fusion="cls")
    ((images, labels),) = batches(23)
    mixed = torch.nn.functional.one_hot(labels).float()
    with pytest.raises(ValueError, match=r"class indices \[B\], not \[23, 5\]"):
        evaluate(model, [(images, mixed)], fusion="cls")


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
