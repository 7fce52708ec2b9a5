"""Write a model as a file of `torch.export`, which torch alone opens."""

import copy
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deit_spec.exporting.export_metadata import export_metadata
from deit_spec.exporting.prepared_model import PreparedModel

_READS_IMAGES = "patch_embed.proj"
_HEADS = ("head", "head_dist")


def write_pt2(prepared: PreparedModel, path: Path) -> None:
    """Write a model as a `.pt2` file. The same model always gives the same bytes.

    In bfloat16, the input and the outputs are still in float32.

    Raises:
        OSError: The file cannot be written.
    """
    module = prepared.module
    if prepared.interface.precision == "bf16":
        module = _BFloat16Module(module).eval()
    program = torch.export.export(
        module, (prepared.example,), dynamic_shapes=prepared.dynamic_shapes
    )
    program.example_inputs = None  # it would be pickled
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    file = BytesIO()  # torch aborts the process if the disk is full
    torch.export.save(program, file, extra_files=export_metadata(prepared))
    path.write_bytes(file.getbuffer())


class _BFloat16Module(nn.Module):
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
