"""Pixels give what normalised images give, without rounding in between."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import conv2d

from deit_spec.exporting.prepared_model import fold_normalization
from deit_spec.model.preprocessing import Preprocessing


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0.05, 1)), min_size=1, max_size=4),
    st.integers(1, 4),
)
def test_the_projection_of_pixels_is_that_of_normalised_images(
    statistics: list[tuple[float, float]], patch: int
) -> None:
    mean, std = zip(*statistics, strict=True)
    channels = len(mean)
    generator = torch.Generator().manual_seed(0)
    shape = (5, channels, patch, patch)
    weights = {
        "patch_embed.proj.weight": torch.randn(shape, generator=generator).double(),
        "patch_embed.proj.bias": torch.randn(5, generator=generator).double(),
    }
    pixels = torch.randint(256, (2, channels, 2 * patch, 2 * patch)).double()
    images = pixels / 255
    for channel, (shift, scale) in enumerate(statistics):
        images[:, channel] = (images[:, channel] - shift) / scale
    preprocessing = Preprocessing(2 * patch, channels, mean=mean, std=std)
    folded = fold_normalization(weights, preprocessing)
    expected = conv2d(images, *weights.values(), stride=patch)
    found = conv2d(pixels, *folded.values(), stride=patch)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
