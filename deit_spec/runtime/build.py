"""Creation of a torch module from generated source."""

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
    """Create the model of a generated source with freshly initialised weights.

    Layers are initialised on their final device, once. Raises ValueError for an unknown
    dtype, and what torch raises for an unavailable device.
    """
    kind = as_dtype(dtype)
    # Parameters created in inference mode cannot be trained.
    with torch.inference_mode(mode=False):
        model = make_empty(source, name)
        if kind is not None:
            model = model.to(kind)
        place = torch.get_default_device() if device is None else device
        model.to_empty(device=place)
        with torch.no_grad():
            model.reset_parameters()  # type: ignore[operator]
    return model


def make_empty(source: str, name: str) -> nn.Module:
    """Create the model of a generated source without storage for its parameters."""
    module = import_source(source, name)
    with torch.device("meta"):
        model: nn.Module = module.DeiT()
    return model


def as_dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    """Return the floating-point type with this name, or raise a ValueError."""
    if dtype is None:
        return None
    for name, kind in DTYPES.items():
        if dtype in (name, kind):
            return kind
    raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, not {dtype!r}")
