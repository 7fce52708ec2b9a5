"""Models to export, and the outputs of exported files in their own runtimes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor

import deit_spec
from deit_spec import DeiTSpec
from deit_spec.weights import make_metadata, safetensors_file

SMALL: dict[str, Any] = {
    "image_size": 8,
    "patch_size": 4,
    "in_channels": 1,
    "embed_dim": 8,
    "num_heads": 2,
    "depth": 2,
    "num_classes": 5,
    "teacher_num_classes": 5,
}
"""A spec with a model of two thousand parameters."""


def write_model(
    path: Path, spec: DeiTSpec, classes: Sequence[str] | None = None
) -> Path:
    """Write a model file with random weights, of which none is zero."""
    generator = torch.Generator().manual_seed(0)
    weights = {
        name: torch.randn(value.shape, generator=generator) * 0.5
        for name, value in deit_spec.load(spec).state_dict().items()
    }
    with path.open("wb") as file:
        metadata = make_metadata(spec, None, classes)
        safetensors_file.write(file, weights, metadata=metadata)
    return path


def run_onnx(path: Path, images: Tensor) -> dict[str, np.ndarray[Any, Any]]:
    """The outputs of an ONNX file in ONNX Runtime on the CPU, by name."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    values = session.run(names, {"images": images.numpy()})
    return dict(zip(names, map(np.asarray, values), strict=True))


def relative_error(found: np.ndarray[Any, Any], expected: Tensor) -> float:
    """The largest difference, relative to the largest value."""
    difference = np.abs(found - expected.numpy()).max()
    return float(difference / max(1e-12, float(expected.abs().max())))


def metadata_of(path: Path) -> Mapping[str, str]:
    """The metadata of an ONNX file."""
    import onnx  # noqa: PLC0415  -- a second to import

    model = onnx.load(path, load_external_data=False)
    return {each.key: each.value for each in model.metadata_props}
