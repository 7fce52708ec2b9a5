"""Exported OpenVINO files in their own runtime."""

from pathlib import Path
from typing import Any

import numpy as np
import openvino
from torch import Tensor


def run_openvino(
    path: Path, images: Tensor, precision: str = "f32"
) -> dict[str, np.ndarray[Any, Any]]:
    """The outputs of an .xml on the CPU, by name, computed in a precision."""
    compiled = openvino.Core().compile_model(
        path, "CPU", {"INFERENCE_PRECISION_HINT": precision}
    )
    found = compiled(images.numpy())
    return {each.any_name: found[each] for each in compiled.outputs}


def openvino_metadata(path: Path) -> dict[str, str]:
    """The metadata of an .xml, with the keys of the other formats."""
    entries = openvino.Core().read_model(path).get_rt_info()["deit_spec"]
    return {f"deit_spec.{key}": value.value for key, value in entries.items()}
