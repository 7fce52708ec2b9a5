"""A module that computes in bfloat16 and whose input and outputs are in float32."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

_READS_IMAGES = "patch_embed.proj"
_HEADS = ("head", "head_dist")


class BFloat16Module(nn.Module):
    """A copy of a module with weights in bfloat16.

    It computes in bfloat16 from the patch projection to the class heads. What follows
    the heads is in float32, so that probabilities are sorted and summed exactly.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = copy.deepcopy(module).to(torch.bfloat16)
        for name, layer in self.module.named_modules():
            if name.endswith(_READS_IMAGES):
                layer.register_forward_pre_hook(_in_bfloat16)
            elif name.rpartition(".")[2] in _HEADS:
                layer.register_forward_hook(_in_float32)

    def forward(self, images: Tensor) -> Any:
        """Run the module; outputs of floating-point numbers become float32."""
        output = self.module(images)
        if isinstance(output, Tensor):
            return _as_float32(output)
        return tuple(map(_as_float32, output))


def _as_float32(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value


def _in_bfloat16(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(each.to(torch.bfloat16) for each in inputs)


def _in_float32(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> Tensor:
    return output.float()
