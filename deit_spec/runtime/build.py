"""From source to a module whose parameters are drawn once."""

import torch
from torch import nn

from deit_spec.runtime.modules import import_source

DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}


def build(
    source: str,
    name: str,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | str | None = None,
) -> nn.Module:
    """Make the model of a generated source, freshly initialised.

    Layers are made without storage and drawn where they will live, so nothing
    is initialised twice.

    Raises:
        ValueError: The dtype is not a floating type of `DTYPES`.
        Exception: What torch raises for a device that it cannot use.
    """
    module = import_source(source, name)
    kind = _dtype(dtype)
    with torch.device("meta"):
        model: nn.Module = module.DeiT()
    if kind is not None:
        model = model.to(kind)
    place = torch.get_default_device() if device is None else device
    model.to_empty(device=place)
    with torch.no_grad():
        model.reset_parameters()  # type: ignore[operator]
    return model


def _dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    if dtype is None:
        return None
    for name, kind in DTYPES.items():
        if dtype in (name, kind):
            return kind
    raise ValueError(f"dtype is one of {', '.join(DTYPES)}, not {dtype!r}")
