"""A pass over images: which heads have scores, and how they are joined."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from support.checkpoints import DISTILLED, PLAIN, model_of
from torch import Tensor

import deit_spec
from deit_spec.distill.evaluation import Fusion, Scores, answers_of, evaluate

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
def test_scores_do_not_hang_on_batches(size: int) -> None:
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
