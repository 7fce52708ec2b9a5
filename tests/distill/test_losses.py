"""The losses of the paper, computed by hand in float64."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.testing import assert_close

from deit_spec.distill import DistillationLoss
from deit_spec.distill.losses import LabelTerm
from deit_spec.distill.optional_packages import import_package

CLS = torch.tensor([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]], dtype=torch.float64)
DIST = torch.tensor([[0.2, 0.1, -0.3], [1.0, 1.5, -2.0]], dtype=torch.float64)
TEACHER = torch.tensor([[3.0, 1.0, 0.0], [-1.0, 0.5, 2.0]], dtype=torch.float64)
WEIGHTS = torch.tensor([0.5, 3.0, 1.5], dtype=torch.float64)
LABELS = torch.tensor([2, 0])
KINDS = st.sampled_from(["soft", "hard"])


def softmax(row: list[float], tau: float = 1.0) -> list[float]:
    powers = [math.exp(value / tau) for value in row]
    return [power / sum(powers) for power in powers]


def cross_entropy(rows: list[list[float]], targets: list[list[float]]) -> float:
    each = [
        -sum(t * math.log(p) for t, p in zip(target, softmax(row), strict=True))
        for row, target in zip(rows, targets, strict=True)
    ]
    return sum(each) / len(each)


def divergence(
    teacher: list[list[float]], rows: list[list[float]], tau: float
) -> float:
    each = [
        sum(
            p * (math.log(p) - math.log(q))
            for p, q in zip(softmax(said, tau), softmax(row, tau), strict=True)
        )
        for said, row in zip(teacher, rows, strict=True)
    ]
    return tau**2 * sum(each) / len(each)


def one_hot(classes: list[int], count: int = 3) -> list[list[float]]:
    return [[float(index == each) for index in range(count)] for each in classes]


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.5, 1.0])
def test_hard(alpha: float) -> None:
    """Equation 3, of which alpha ½ is the paper's."""
    labels = cross_entropy(CLS.tolist(), one_hot([2, 0]))
    teacher = cross_entropy(DIST.tolist(), one_hot([0, 2]))
    terms = DistillationLoss("hard", alpha=alpha).terms((CLS, DIST), LABELS, TEACHER)
    assert terms.labels.item() == pytest.approx(labels, rel=1e-12)
    assert terms.teacher.item() == pytest.approx(teacher, rel=1e-12)
    expected = (1 - alpha) * labels + alpha * teacher
    assert terms.loss.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("tau", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("alpha", [0.0, 0.1, 1.0])
def test_soft(alpha: float, tau: float) -> None:
    """Equation 2: the mean over the batch, the sum over classes."""
    labels = cross_entropy(CLS.tolist(), one_hot([2, 0]))
    teacher = divergence(TEACHER.tolist(), DIST.tolist(), tau)
    loss = DistillationLoss("soft", alpha=alpha, tau=tau)
    terms = loss.terms((CLS, DIST), LABELS, TEACHER)
    assert terms.teacher.item() == pytest.approx(teacher, rel=1e-12)
    expected = (1 - alpha) * labels + alpha * teacher
    assert terms.loss.item() == pytest.approx(expected, rel=1e-12)


def test_none_uses_the_labels_only() -> None:
    loss = DistillationLoss("none", alpha=0.7)
    labels = cross_entropy(CLS.tolist(), one_hot([2, 0]))
    assert loss((CLS, DIST), LABELS).item() == pytest.approx(labels, rel=1e-12)
    assert loss.terms(CLS, LABELS, TEACHER).teacher.item() == 0


@given(KINDS)
def test_a_single_head_learns_from_both(kind: str) -> None:
    loss = DistillationLoss(kind, alpha=0.3, tau=2)  # type: ignore[arg-type]
    assert torch.equal(
        loss(CLS, LABELS, TEACHER), loss((CLS, CLS.clone()), LABELS, TEACHER)
    )


def test_mixed_labels_and_smoothing() -> None:
    """Of mixed images the labels are probabilities; smoothing spreads them further."""
    mixed = [[0.7, 0.3, 0.0], [0.1, 0.4, 0.5]]
    smooth = [[0.9 * value + 0.1 / 3 for value in row] for row in mixed]
    loss = DistillationLoss("none", label_smoothing=0.1)
    found = loss(CLS, torch.tensor(mixed, dtype=torch.float64))
    expected = cross_entropy(CLS.tolist(), smooth)
    assert found.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("threshold", [None, 0.2])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_binary_cross_entropy_of_timm(
    threshold: float | None,
    smoothing: float,
    *,
    weighted: bool,
) -> None:
    """Of labels, and of mixed labels that timm's `Mixup` has smoothed."""
    import_package("timm")
    from timm.data.mixup import mixup_target  # noqa: PLC0415
    from timm.loss import BinaryCrossEntropy  # noqa: PLC0415

    weight = WEIGHTS if weighted else None
    theirs = BinaryCrossEntropy(smoothing, threshold, weight)
    ours = DistillationLoss(
        "none",
        labels="bce",
        label_smoothing=smoothing,
        bce_target_threshold=threshold,
        class_weights=weight,
    )
    assert_close(ours(CLS, LABELS), theirs(CLS, LABELS))
    smooth = mixup_target(LABELS, 3, 0.7, smoothing).double()
    plain = mixup_target(LABELS, 3, 0.7, 0.0).double()
    assert_close(ours(CLS, plain), theirs(CLS, smooth), rtol=1e-6, atol=0)


def test_binary_cross_entropy_of_the_authors() -> None:
    """DeiT III: `BCEWithLogitsLoss()(outputs, targets.gt(0.0))`, the mean over all."""
    mixed = torch.tensor([[0.7, 0.3, 0.0], [0.1, 0.4, 0.5]], dtype=torch.float64)
    loss = DistillationLoss("none", labels="bce", bce_target_threshold=0.0)
    theirs = nn.BCEWithLogitsLoss()(CLS, mixed.gt(0.0).double())
    assert_close(loss(CLS, mixed), theirs)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_with_class_weights_of_torch(smoothing: float) -> None:
    """The mean over the images, of labels that are mixed or not."""
    loss = DistillationLoss("none", label_smoothing=smoothing, class_weights=WEIGHTS)
    of_each = -WEIGHTS * CLS.log_softmax(1)
    whole = F.one_hot(LABELS, 3).double()
    mixed = torch.tensor([[0.7, 0.3, 0.0], [0.1, 0.4, 0.5]], dtype=torch.float64)
    for targets in (whole, mixed):
        smooth = targets * (1 - smoothing) + smoothing / 3
        assert_close(loss(CLS, targets), (smooth * of_each).sum(1).mean())
        theirs = F.cross_entropy(CLS, targets, WEIGHTS, label_smoothing=smoothing)
        assert_close(loss(CLS, targets), theirs)
    assert_close(loss(CLS, LABELS), loss(CLS, whole))


@pytest.mark.parametrize("labels", ["cross_entropy", "bce"])
@pytest.mark.parametrize("weight", [None, WEIGHTS])
def test_the_parts_of_a_batch_have_the_loss_of_the_batch(
    labels: LabelTerm, weight: Tensor | None
) -> None:
    """So accumulation and several processes train as one."""
    loss = DistillationLoss("none", labels=labels, class_weights=weight)
    parts = [loss(CLS[i : i + 1], LABELS[i : i + 1]) for i in range(len(CLS))]
    assert_close(torch.stack(parts).mean(), loss(CLS, LABELS))


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_the_term_of_the_teacher_does_not_depend_on_that_of_the_labels(
    kind: str,
) -> None:
    plain = DistillationLoss(kind, alpha=0.3)  # type: ignore[arg-type]
    other = DistillationLoss(kind, alpha=0.3, labels="bce", class_weights=WEIGHTS)  # type: ignore[arg-type]
    expected = plain.terms((CLS, DIST), LABELS, TEACHER)
    found = other.terms((CLS, DIST), LABELS, TEACHER)
    assert torch.equal(found.teacher, expected.teacher)
    assert found.labels != expected.labels
    assert torch.equal(found.loss, 0.7 * found.labels + 0.3 * found.teacher)


def test_smoothing_leaves_the_teacher_alone() -> None:
    smooth = DistillationLoss("hard", label_smoothing=0.3)
    plain = DistillationLoss("hard")
    outputs = (CLS, DIST)
    assert torch.equal(
        smooth.terms(outputs, LABELS, TEACHER).teacher,
        plain.terms(outputs, LABELS, TEACHER).teacher,
    )


@pytest.mark.parametrize("kind", ["none", "soft", "hard"])
@pytest.mark.parametrize("two", [True, False])
def test_gradients(kind: str, two: bool) -> None:  # noqa: FBT001
    loss = DistillationLoss(kind, alpha=0.4, tau=2, label_smoothing=0.1)  # type: ignore[arg-type]
    cls, dist = CLS.clone().requires_grad_(), DIST.clone().requires_grad_()

    def of(cls: Tensor, dist: Tensor) -> Tensor:
        return loss((cls, dist) if two else cls, LABELS, TEACHER)

    assert torch.autograd.gradcheck(of, (cls, dist), check_undefined_grad=False)


def test_no_gradient_reaches_the_teacher() -> None:
    teacher = TEACHER.clone().requires_grad_()
    dist = DIST.clone().requires_grad_()
    DistillationLoss("soft", tau=3)((CLS, dist), LABELS, teacher).backward()  # type: ignore[no-untyped-call]
    assert teacher.grad is None
    assert dist.grad is not None


def test_at_a_high_temperature_the_logits_are_matched() -> None:
    """As tau grows, `tau² KL` nears half the variance of the logits' difference.

    Hinton et al. 2015, "Distilling the Knowledge in a Neural Network", section 2.1.
    """
    difference = TEACHER - DIST
    centred = difference - difference.mean(dim=1, keepdim=True)
    limit = (centred**2).mean(dim=1).mean() / 2
    loss = DistillationLoss("soft", alpha=1, tau=1e4)((CLS, DIST), LABELS, TEACHER)
    assert loss.item() == pytest.approx(limit.item(), rel=1e-3)


def test_a_student_equal_to_its_teacher_has_no_loss() -> None:
    loss = DistillationLoss("soft", alpha=1, tau=3)
    assert loss((CLS, TEACHER + 5), LABELS, TEACHER).item() == pytest.approx(
        0, abs=1e-12
    )


def test_the_authors_soft_term_is_smaller_by_the_number_of_classes() -> None:
    """Theirs divides by all elements: `kl_div(reduction='sum') * T² / numel`."""
    tau = 2.0
    theirs = (
        torch.nn.functional.kl_div(
            (DIST / tau).log_softmax(1),
            (TEACHER / tau).log_softmax(1),
            reduction="sum",
            log_target=True,
        )
        * tau**2
        / DIST.numel()
    )
    ours = DistillationLoss("soft", tau=tau).terms((CLS, DIST), LABELS, TEACHER).teacher
    assert ours.item() == pytest.approx(theirs.item() * DIST.shape[1], rel=1e-12)


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_the_heads_may_have_other_classes(kind: str) -> None:
    teacher = torch.cat([TEACHER, TEACHER], dim=1)
    dist = torch.cat([DIST, DIST], dim=1)
    loss = DistillationLoss(kind)  # type: ignore[arg-type]
    assert loss((CLS, dist), LABELS, teacher).isfinite()
    with pytest.raises(ValueError, match=r"tion head has 3 .*, the teacher 6"):
        loss((CLS, DIST), LABELS, teacher)
    with pytest.raises(ValueError, match="the only head has 3 classes, the teacher 6"):
        loss(CLS, LABELS, teacher)


def test_mixed_labels_of_other_classes() -> None:
    with pytest.raises(ValueError, match="the class head has 3 classes, the labels 4"):
        DistillationLoss("none")(CLS, torch.full((2, 4), 0.25, dtype=torch.float64))


def test_a_missing_teacher() -> None:
    with pytest.raises(ValueError, match="needs the teacher"):
        DistillationLoss("hard")(CLS, LABELS)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "firm"}, "kind must be none, soft, hard, not firm"),
        ({"alpha": -0.1}, "alpha must be from 0 to 1, not -0.1"),
        ({"alpha": math.nan}, "alpha must be from 0 to 1, not nan"),
        ({"tau": 0}, "tau must be greater than 0, not 0"),
        ({"labels": "ce"}, "labels must be cross_entropy, bce, not ce"),
        (
            {"label_smoothing": 1},
            "must be at least 0 and below 1, not 1",
        ),
    ],
)
def test_arguments_out_of_range(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        DistillationLoss(**options)  # type: ignore[arg-type]
