"""The distillation loss: a term of the labels, and a term of the teacher.

Touvron et al., "Training data-efficient image transformers & distillation through
attention", ICML 2021, section 4: equation 2 is soft, equation 3 hard distillation.
Touvron et al., "DeiT III: Revenge of the ViT", ECCV 2022, has binary cross-entropy.
"""

from typing import Literal, NamedTuple, TypeAlias, get_args

import torch
import torch.nn.functional as F  # noqa: N812  -- as everyone writes it
from torch import Tensor, nn

Kind: TypeAlias = Literal["none", "soft", "hard"]
LabelTerm: TypeAlias = Literal["cross_entropy", "bce"]
Outputs: TypeAlias = Tensor | tuple[Tensor, Tensor]
"""The logits `[B, K]`, or those of the class head and of the distillation head."""


class Terms(NamedTuple):
    """The loss and its two terms, each a scalar; without a teacher its term is 0."""

    loss: Tensor
    labels: Tensor
    teacher: Tensor


class DistillationLoss(nn.Module):
    """`(1 - alpha) * labels + alpha * teacher`, each the mean over the batch.

    The term of the labels is of the class head, and has the targets
    `t = (1 - s) labels + s / K` for label smoothing s and K classes:

    - `cross_entropy`: `-Σ w t log p` over the classes, with weights w of 1 by default.
      With weights, torch's mean for class indices is divided by the sum of their
      weights, so it would depend on how a batch is split; this one is not.
    - `bce`: `Σ w BCE(sigmoid(logit), t) / K`, as timm's `BinaryCrossEntropy` and the
      code of DeiT III. With `bce_target_threshold`, targets above it become 1 and the
      others 0.

    The term of the teacher is of the distillation head, or of the only head: for `hard`
    (equation 3) the cross-entropy with the teacher's most likely class; for `soft`
    (equation 2) `tau² KL(teacher ‖ student)` at temperature tau, summed over the
    classes; for `none` there is none. It is the same for both terms of the labels. The
    paper has alpha ½, and for `soft` alpha 0.1 and tau 3.

    The defaults are those of the authors' code. Its soft term also divides the
    divergence by the number of classes K, so it is K times smaller than this one.

    Raises ValueError for an argument out of range.
    """

    def __init__(  # noqa: PLR0913  -- one argument for each setting of a recipe
        self,
        kind: Kind = "hard",
        *,
        alpha: float = 0.5,
        tau: float = 1.0,
        label_smoothing: float = 0.0,
        labels: LabelTerm = "cross_entropy",
        bce_target_threshold: float | None = None,
        class_weights: Tensor | None = None,
    ) -> None:
        super().__init__()
        if kind not in get_args(Kind):
            raise ValueError(f"kind must be {', '.join(get_args(Kind))}, not {kind}")
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha must be from 0 to 1, not {alpha}")
        if not tau > 0:
            raise ValueError(f"tau must be greater than 0, not {tau}")
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                f"label_smoothing must be at least 0 and below 1, not {label_smoothing}"
            )
        if labels not in get_args(LabelTerm):
            raise ValueError(
                f"labels must be {', '.join(get_args(LabelTerm))}, not {labels}"
            )
        self.kind = kind
        self.alpha = alpha if kind != "none" else 0.0
        self.tau = tau
        self.label_smoothing = label_smoothing
        self.labels = labels
        self.bce_target_threshold = bce_target_threshold
        self.class_weights: Tensor | None
        self.register_buffer("class_weights", class_weights, persistent=False)

    def forward(
        self, outputs: Outputs, labels: Tensor, teacher: Tensor | None = None
    ) -> Tensor:
        """Compute the loss, a scalar; see `terms` for the arguments."""
        return self.terms(outputs, labels, teacher).loss

    def terms(
        self, outputs: Outputs, labels: Tensor, teacher: Tensor | None = None
    ) -> Terms:
        """Compute the loss and its terms.

        `outputs` are logits `[B, K]`, or `DeiTOutput(cls=[B, K], dist=[B, T])`.
        `labels` are class indices `[B]` or probabilities `[B, K]`. `teacher` has logits
        `[B, T]`.

        Raises ValueError if class counts differ, or the teacher's logits are missing.
        """
        cls, dist = (outputs, outputs) if isinstance(outputs, Tensor) else outputs
        _require_classes("the class head", cls, "the labels", labels)
        by_labels = self._of_labels(cls, labels)
        if self.kind == "none":
            return Terms(by_labels, by_labels, torch.zeros_like(by_labels))
        if teacher is None:
            raise ValueError(f"{self.kind} distillation needs the teacher's logits")
        head = "the only head" if dist is cls else "the distillation head"
        _require_classes(head, dist, "the teacher", teacher)
        if self.kind == "hard":
            by_teacher = F.cross_entropy(dist, teacher.argmax(dim=1))
        else:
            divergence = F.kl_div(
                F.log_softmax(dist / self.tau, dim=1),
                F.log_softmax(teacher.detach() / self.tau, dim=1),
                reduction="batchmean",
                log_target=True,
            )
            by_teacher = self.tau**2 * divergence
        loss = (1 - self.alpha) * by_labels + self.alpha * by_teacher
        return Terms(loss, by_labels, by_teacher)

    def _of_labels(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The term of the labels, a scalar, of logits `[B, K]`."""
        weight, smoothing = self.class_weights, self.label_smoothing
        if self.labels == "cross_entropy":
            if weight is None:
                return F.cross_entropy(logits, labels, label_smoothing=smoothing)
            of_each = F.cross_entropy(
                logits, labels, weight, reduction="none", label_smoothing=smoothing
            )
            return of_each.mean()
        classes = logits.shape[1]
        if labels.ndim < logits.ndim:
            labels = F.one_hot(labels, classes)
        targets = labels.to(logits.dtype) * (1 - smoothing) + smoothing / classes
        if self.bce_target_threshold is not None:
            targets = (targets > self.bce_target_threshold).to(logits.dtype)
        return F.binary_cross_entropy_with_logits(logits, targets, weight)

    def extra_repr(self) -> str:
        """The arguments in the printed module."""
        terms = f"kind={self.kind!r}, labels={self.labels!r}"
        return f"{terms}, alpha={self.alpha}, tau={self.tau}"


def _require_classes(head: str, logits: Tensor, source: str, target: Tensor) -> None:
    """Check that probabilities or logits have as many classes as a head."""
    if target.ndim == logits.ndim and target.shape[1] != logits.shape[1]:
        raise ValueError(
            f"{head} has {logits.shape[1]} classes, {source} {target.shape[1]}"
        )
