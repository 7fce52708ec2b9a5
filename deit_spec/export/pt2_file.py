"""Write a model as a file of `torch.export`, which torch alone opens."""

from pathlib import Path

import torch

from deit_spec.export.bfloat16_module import BFloat16Module
from deit_spec.export.export_metadata import export_metadata
from deit_spec.export.prepared_model import PreparedModel


def write_pt2(prepared: PreparedModel, path: Path) -> None:
    """Write a model as a `.pt2` file. The same model always gives the same bytes.

    In bfloat16, the input and the outputs are still in float32.

    Raises:
        OSError: The file cannot be written.
    """
    module = prepared.module
    if prepared.interface.precision == "bf16":
        module = BFloat16Module(module).eval()
    program = torch.export.export(
        module, (prepared.example,), dynamic_shapes=prepared.dynamic_shapes
    )
    program.example_inputs = None  # it would be pickled
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    with path.open("wb") as file:
        torch.export.save(program, file, extra_files=export_metadata(prepared))
