"""A confusion matrix counts as scikit-learn does, what `predict` says."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from support.checkpoints import DISTILLED, model_of
from torch import Tensor

from deit_spec.distill.confusion_matrix import Confusion, ConfusionMatrix
from deit_spec.distill.confusion_plot import draw_confusion_matrix
from deit_spec.distill.evaluation import Fusion, evaluate

CLASSES = 5


def made(pairs: list[tuple[int, int]], classes: int) -> ConfusionMatrix:
    """A matrix of pairs of a label and a prediction, added in two batches."""
    matrix, half = ConfusionMatrix(classes), len(pairs) // 2
    for part in (pairs[:half], pairs[half:]):
        labels, predicted = torch.tensor(part, dtype=torch.int64).view(-1, 2).T
        matrix.add(predicted, labels)
    return matrix


@given(
    st.integers(2, 8).flatmap(
        lambda classes: st.tuples(
            st.just(classes),
            st.lists(st.tuples(*[st.integers(0, classes - 1)] * 2), min_size=1),
        )
    )
)
def test_it_equals_that_of_sklearn(drawn: tuple[int, list[tuple[int, int]]]) -> None:
    classes, pairs = drawn
    matrix, (labels, predicted) = made(pairs, classes), np.array(pairs).T
    every = list(range(classes))
    expected = metrics.confusion_matrix(labels, predicted, labels=every)
    assert matrix.counts.tolist() == expected.tolist()
    recalls = metrics.recall_score(
        labels, predicted, labels=every, average=None, zero_division=math.nan
    )
    found = [each.accuracy for each in matrix.by_class()]
    assert [math.nan if each is None else each for each in found] == pytest.approx(
        recalls.tolist(), nan_ok=True
    )
    assert matrix.balanced_accuracy() == pytest.approx(np.nanmean(recalls))


def test_classes_and_pairs_are_ranked() -> None:
    """A class without images is not among the worst."""
    pairs = [(0, 0)] * 3 + [(0, 2)] + [(2, 0)] * 2 + [(2, 2)] * 2 + [(1, 0)]
    matrix = made(pairs, 4)
    assert matrix.worst_classes() == [1, 2, 0]
    assert matrix.by_class()[3].accuracy is None
    assert matrix.most_confused() == [
        Confusion(2, 0, 2),
        Confusion(0, 2, 1),
        Confusion(1, 0, 1),
    ]


@pytest.mark.parametrize("fusion", ["mean_logits", "mean_softmax", "cls", "dist"])
@pytest.mark.parametrize("teacher_classes", [CLASSES, CLASSES + 2])
def test_predictions_are_those_of_the_model(
    fusion: Fusion, teacher_classes: int
) -> None:
    """Of both heads fused; of the class head if the other has other classes."""
    same = teacher_classes == CLASSES
    if fusion.startswith("mean") and not same:
        return
    variant = {**DISTILLED["variant"], "fusion": fusion}
    sizes = {"num_classes": CLASSES, "teacher_num_classes": teacher_classes}
    model: Any = model_of({**DISTILLED, **sizes, "variant": variant})
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(23, 3, 32, 32, generator=generator)
    labels = torch.randint(CLASSES, (23,), generator=generator)
    matrix = ConfusionMatrix(CLASSES)
    batches = zip(images.split(9), labels.split(9), strict=True)
    scores = evaluate(model, batches, fusion=fusion, confusion=matrix)
    assert matrix.counts.trace().item() / 23 == pytest.approx(scores.answer.top1)
    with torch.no_grad():
        answer: Tensor = model.predict(images) if same else model(images).cls
    expected = metrics.confusion_matrix(
        labels, answer.argmax(dim=1), labels=range(CLASSES)
    )
    assert matrix.counts.tolist() == expected.tolist()


@pytest.mark.parametrize("classes", [2, 31])
def test_the_plot_has_the_names_of_the_worst_classes(classes: int) -> None:
    """They are drawn as they are, not as formulas."""
    pairs = [(index, (index * 7 + 1) % classes) for index in range(classes)]
    names = [f"$class_{index}$" for index in range(classes)]
    matrix = made(pairs, classes)
    text = draw_confusion_matrix(matrix, names, "x")["svg"].decode()
    for index in matrix.worst_classes()[:20]:
        assert f"<!-- {names[index]} -->" in text
