"""A teacher that is a spec with weights."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from deit_spec.distill.problems import DataError, unusable
from deit_spec.distill.teachers.base import Made
from deit_spec.pipeline import load
from deit_spec.weights import WeightsError

if TYPE_CHECKING:
    from deit_spec.recipe import CheckedRecipe


def spec_network(checked: "CheckedRecipe", weights: Path | None) -> Made:
    """Build the model for inference, whose heads are joined.

    Raises:
        DataError: There are no weights, or they cannot be read, or do not fit.
    """
    spec = checked.teacher.spec if checked.teacher else None
    if spec is None or weights is None:
        raise unusable(checked, "teacher.spec", "it has no weights")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            network = load(spec, target="inference", weights=weights)
    except WeightsError as error:
        raise DataError(error.diagnostics) from None
    return Made(network, size=spec.image_size, channels=spec.in_channels)
