"""A teacher that is a spec with weights."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor, nn

from deit_spec.distill.evaluation import Fusion, answers_of
from deit_spec.distill.problems import DataError, unusable
from deit_spec.distill.teachers.base import Made
from deit_spec.pipeline import load
from deit_spec.weights import WeightsError

if TYPE_CHECKING:
    from deit_spec.recipe import CheckedRecipe


def spec_network(checked: "CheckedRecipe", weights: Path | None) -> Made:
    """Build the model for inference, whose heads are joined.

    With `mean_softmax` that would give probabilities. A teacher gives logits, so
    there the heads are joined to log-probabilities here.

    Raises:
        DataError: There are no weights, or they cannot be read, or do not fit.
    """
    spec = checked.teacher.spec if checked.teacher else None
    if spec is None or weights is None:
        raise unusable(checked, "teacher.spec", "it has no weights")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            if spec.has_two_heads and spec.fusion == "mean_softmax":
                both = load(spec, target="train", weights=weights)
                network: nn.Module = Joined(both, spec.fusion)
            else:
                network = load(spec, target="inference", weights=weights)
    except WeightsError as error:
        raise DataError(error.diagnostics) from None
    return Made(network, size=spec.image_size, channels=spec.in_channels)


class Joined(nn.Module):
    """The log-probabilities `[B, K]` of two heads as one, no smaller for being fine.

    The logarithm of a probability that rounds to 0 would be no number.
    """

    def __init__(self, both: nn.Module, fusion: Fusion) -> None:
        super().__init__()
        self.both = both
        self.fusion: Fusion = fusion

    def forward(self, images: Tensor) -> Tensor:
        """Give the log-probabilities of images `[B, C, S, S]`."""
        cls, dist = self.both(images)
        return answers_of((cls.float(), dist.float()), self.fusion)["fused"]
