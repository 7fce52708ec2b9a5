"""Building and feeding models in tests."""

import torch
from torch import Tensor, nn

from deit_spec import Compiled, DeiTSpec


def images_for(spec: DeiTSpec, batch: int = 2) -> Tensor:
    """A fixed batch of the size that a spec takes."""
    generator = torch.Generator().manual_seed(0)
    shape = (batch, spec.in_channels, spec.image_size, spec.image_size)
    return torch.randn(shape, generator=generator)


def build(compiled: Compiled, seed: int = 0) -> nn.Module:
    """A model with fixed weights, in evaluation mode."""
    torch.manual_seed(seed)
    return compiled.build().eval()
