"""Open an exported file in its own engine."""

from typing import Final

from deit_spec.distill.optional_packages import require_packages
from deit_spec.model.model_folder import ModelFolder
from deit_spec.runtime.exported_module import ExportedModule
from deit_spec.spec import DeiTSpec

_ENGINES: Final = {
    ".onnx": ("ONNX files", "onnxruntime"),
    ".xml": ("OpenVINO files", "openvino"),
}
"""The kind of file and the package that opens it, by extension; torch opens others."""


def predicted_classes(spec: DeiTSpec) -> int | None:
    """The number of classes of a prediction, which may be those of the teacher."""
    is_teacher = spec.has_two_heads and spec.fusion == "dist"
    return spec.teacher_num_classes if is_teacher else spec.num_classes


def load_exported(opened: ModelFolder, *, threads: int | None = None) -> ExportedModule:
    """Open an exported file as a module, on the CPU.

    `threads` is the number of threads of ONNX Runtime or OpenVINO.

    Raises:
        MissingPackageError: The engine is not installed.
        ExportedFileError: The file cannot be opened (DS607), or its graph is not what
            the metadata says (DS606).
    """
    assert opened.interface is not None  # noqa: S101  -- of an exported file
    suffix = opened.weights.suffix.lower()
    if suffix in _ENGINES:
        require_packages(*_ENGINES[suffix])
    return ExportedModule(
        opened.weights,
        opened.interface,
        opened.preprocessing,
        predicted_classes(opened.spec),
        threads=threads,
    )
