"""Initialisation of a single tensor."""

import torch
from torch import Tensor, nn

from deit_spec.ops import Constant, FanInNormal, Init, TorchDefault, TruncatedNormal


def draw(tensor: Tensor, init: Init) -> Tensor:
    """Initialise a tensor as `reset_parameters` of generated code does.

    A tensor that torch initialises together with its module is an error.
    """
    with torch.no_grad():
        match init:
            case TruncatedNormal(std):
                return nn.init.trunc_normal_(tensor, std=std)
            case FanInNormal():
                return nn.init.trunc_normal_(tensor, std=tensor.shape[1] ** -0.5)
            case Constant(value):
                return nn.init.constant_(tensor, value)
            case TorchDefault():
                raise AssertionError(
                    "torch initialises this tensor together with its module"
                )
