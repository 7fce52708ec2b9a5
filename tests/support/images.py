"""Images and preprocessing to compare with that of other libraries."""

from typing import get_args

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from deit_spec.model.preprocessing import Interpolation, Preprocessing


def drawn_image(sides: tuple[int, int], channels: int, seed: int) -> Image.Image:
    """A smooth image, so that a crop that is moved by a pixel looks different."""
    few = np.random.default_rng(seed).integers(0, 256, (5, 4, channels), np.uint8)
    image = Image.fromarray(few[..., 0] if channels == 1 else few)
    return image.resize(sides, Image.Resampling.BICUBIC)


@st.composite
def preprocessings(draw: st.DrawFn) -> Preprocessing:
    """A valid preprocessing for small images."""
    channels = draw(st.sampled_from([1, 3]))
    share = st.floats(0.1, 0.9).map(lambda value: round(value, 3))
    shares = st.lists(share, min_size=channels, max_size=channels).map(tuple)
    return Preprocessing(
        size=draw(st.integers(4, 40)),
        channels=channels,
        crop=draw(st.sampled_from([1.0, 0.9, 0.875, 0.5])),
        interpolation=draw(st.sampled_from(get_args(Interpolation))),
        mean=draw(shares),
        std=draw(shares),
        resize=draw(st.sampled_from(["shorter", "exact"])),
        offset=draw(st.sampled_from(["round", "floor"])),
    )
