"""The published models as their papers and files describe them.

Sizes are of DeiT (Touvron et al. 2021, table 1) and DeiT III (Touvron et al.
2022); parameters are counted in the published checkpoints, and MACs follow from
`P·3p²·C + L(4NC² + 2NCM + 2N²C) + heads·K·C`.
"""

from typing import NamedTuple


class Published(NamedTuple):
    """The sizes and costs of a model."""

    image_size: int
    patch_size: int
    embed_dim: int
    depth: int
    num_heads: int
    generation: int
    parameters: int
    billion_macs: str
    top1: float


PUBLISHED = {
    "deit_tiny_patch16_224": Published(
        224, 16, 192, 12, 3, 1, 5_717_416, "1.2537", 72.2
    ),
    "deit_tiny_distilled_patch16_224": Published(
        224, 16, 192, 12, 3, 1, 5_910_800, "1.2610", 74.5
    ),
    "deit_small_patch16_224": Published(
        224, 16, 384, 12, 6, 1, 22_050_664, "4.5989", 79.9
    ),
    "deit_small_distilled_patch16_224": Published(
        224, 16, 384, 12, 6, 1, 22_436_432, "4.6241", 81.2
    ),
    "deit_base_patch16_224": Published(
        224, 16, 768, 12, 12, 1, 86_567_656, "17.5638", 81.8
    ),
    "deit_base_distilled_patch16_224": Published(
        224, 16, 768, 12, 12, 1, 87_338_192, "17.6568", 83.4
    ),
    "deit_base_patch16_384": Published(
        384, 16, 768, 12, 12, 1, 86_859_496, "55.4844", 82.9
    ),
    "deit_base_distilled_patch16_384": Published(
        384, 16, 768, 12, 12, 1, 87_630_032, "55.5913", 85.2
    ),
    "deit3_small_patch16_224": Published(
        224, 16, 384, 12, 6, 3, 22_059_496, "4.5989", 81.4
    ),
    "deit3_small_patch16_384": Published(
        384, 16, 384, 12, 6, 3, 22_205_416, "15.4904", 83.4
    ),
    "deit3_medium_patch16_224": Published(
        224, 16, 512, 12, 8, 3, 38_849_512, "7.9910", 83.0
    ),
    "deit3_base_patch16_224": Published(
        224, 16, 768, 12, 12, 3, 86_585_320, "17.5638", 83.8
    ),
    "deit3_base_patch16_384": Published(
        384, 16, 768, 12, 12, 3, 86_877_160, "55.4844", 85.0
    ),
    "deit3_large_patch16_224": Published(
        224, 16, 1024, 24, 16, 3, 304_374_760, "61.5547", 84.9
    ),
    "deit3_large_patch16_384": Published(
        384, 16, 1024, 24, 16, 3, 304_763_880, "191.0663", 85.8
    ),
    "deit3_huge_patch14_224": Published(
        224, 14, 1280, 32, 16, 3, 632_126_440, "167.2951", 85.2
    ),
}
