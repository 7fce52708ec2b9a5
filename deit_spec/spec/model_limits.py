"""The limits of the model that a spec may describe; docs/limits.md lists them.

They are far above any trained model, and keep the checking of a file below a second.
"""

from collections.abc import Mapping
from typing import Final

from deit_spec.spec.schema import DeiTSpec

LARGEST: Final[Mapping[str, int]] = {
    "image_size": 65_536,
    "patch_size": 65_536,
    "in_channels": 65_536,
    "embed_dim": 1_048_576,
    "depth": 512,
    "num_heads": 1_048_576,
    "mlp_ratio": 1_024,
    "num_classes": 1_000_000_000,
    "teacher_num_classes": 1_000_000_000,
}
"""By field. The graph has some twenty layers a block, so `depth` bounds its size."""

PARAMETERS: Final = 10**12
"""Learnable numbers of a model: four terabytes in float32."""


def count_parameters(spec: DeiTSpec) -> int:
    """Count the learnable numbers of a model from its spec, before there is a graph."""
    variant, width, hidden = spec.variant, spec.embed_dim, spec.mlp_dim
    norm = 2 * width
    attention = 4 * width * width + width + 3 * width * variant.qkv_bias
    mlp = 2 * width * hidden + hidden + width
    scales = 2 * width * (variant.layer_scale is not None)
    block = 2 * norm + attention + mlp + scales
    patch = width * spec.in_channels * spec.patch_size**2 + width
    with_tokens = variant.position_embedding == "all"
    rows = spec.num_prefix_tokens + (
        spec.num_tokens if with_tokens else spec.num_patches
    )
    classes = spec.num_classes or 0
    teacher = spec.teacher_num_classes or 0 if classes else 0
    heads = (classes + teacher) * (width + 1)
    return patch + rows * width + spec.depth * block + norm + heads
