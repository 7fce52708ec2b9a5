"""A teacher that is a spec with weights."""

import warnings
from typing import TYPE_CHECKING

from torch import nn

from deit_spec.distill.problems import DataError
from deit_spec.pipeline import load
from deit_spec.weights import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

    from deit_spec.spec import DeiTSpec


def spec_network(spec: "DeiTSpec", weights: "Path") -> nn.Module:
    """Build the model for inference, whose heads are joined.

    Raises:
        DataError: The weights cannot be read, or do not fit.
    """
    try:
        with warnings.catch_warnings():
            # As much as is worth a warning has been said of the spec itself.
            warnings.simplefilter("ignore", UserWarning)
            return load(spec, target="inference", weights=weights)
    except WeightsError as error:
        raise DataError(error.diagnostics) from None
