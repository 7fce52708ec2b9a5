"""Fold the normalisation of images into the weights that read them."""

from collections.abc import Mapping

import torch
from torch import Tensor

from deit_spec.model.preprocessing import Preprocessing

LARGEST_PIXEL = 255
_WEIGHT, _BIAS = "patch_embed.proj.weight", "patch_embed.proj.bias"


def fold_normalization(
    weights: Mapping[str, Tensor], preprocessing: Preprocessing
) -> dict[str, Tensor]:
    """The weights of the patch projection, for pixels from 0 to 255.

    `W·(x/255 - mean)/std + b = (W/(255·std))·x + (b - Σ W·mean/std)`. This holds at
    every pixel, because the projection has no padding. It is computed in float64.
    """
    weight, bias = weights[_WEIGHT].double(), weights[_BIAS].double()
    mean, std = (
        torch.tensor(each, dtype=torch.float64)[:, None, None]
        for each in (preprocessing.mean, preprocessing.std)
    )
    scaled = weight / std
    shift = (scaled * mean).sum(dim=(1, 2, 3))
    return {
        _WEIGHT: (scaled / LARGEST_PIXEL).to(weights[_WEIGHT].dtype),
        _BIAS: (bias - shift).to(weights[_BIAS].dtype),
    }
