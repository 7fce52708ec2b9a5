"""Import the packages of the extras."""

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch

from deit_spec.diagnostics.printable import first_line_of
from deit_spec.runtime.inference_engines import switch_off_telemetry

_MISSING_OPERATOR = "torchvision::nms"
_OPERATORS = ("nms", "qnms")
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_EXTRAS = {
    **dict.fromkeys(("onnx", "onnxruntime", "onnxscript"), "onnx"),
    **dict.fromkeys(("nncf", "openvino"), "openvino"),
    "cairosvg": "figure",
}
"""The extra of each package that is not in `train`."""
_libraries: list[torch.library.Library] = []
"""An operator is defined for as long as its library is referenced."""


class MissingPackageError(Exception):
    """A package is not installed (`reason` is None), or its import fails."""

    def __init__(self, use: str, package: str, reason: str | None = None) -> None:
        extra = _EXTRAS.get(package, "train")
        name = package if package == "datasets" else f'"deit-spec[{extra}]"'
        self.install = f"pip install {name}"
        super().__init__(
            f"{use} need {package}: {self.install}"
            if reason is None
            else f"{use} need {package}, which cannot be imported: {reason}"
        )
        self.package, self.reason = package, reason


def require_packages(use: str, *names: str) -> None:
    """Import the packages that `use`, in the plural as `the digits`, need.

    Raises:
        MissingPackageError: One is not installed, or its import fails.
    """
    for name in names:
        if find_spec(name) is None:
            raise MissingPackageError(use, name)
        try:
            import_package(name)
        except (ImportError, OSError, RuntimeError) as error:
            raise MissingPackageError(use, name, first_line_of(error)) from error


def import_package(name: str) -> ModuleType:
    """Import a package, with the operators that an import of torchvision may need.

    A torchvision that was built for another torch cannot load its compiled operators.
    Its transforms work without them, but its import registers a fake kernel of `nms`
    and fails. The schemas of the missing operators are defined then. timm and
    transformers import torchvision, so that is imported first.

    OpenVINO and NNCF are imported without their telemetry.
    """
    if name in {"nncf", "openvino"}:
        switch_off_telemetry()
    if name in {"timm", "torchvision", "transformers"} and find_spec("torchvision"):
        _import_torchvision()
    return import_module(name)


def _import_torchvision() -> None:
    try:
        import_module("torchvision")
    except RuntimeError as error:
        if _MISSING_OPERATOR not in str(error):
            raise
        for name in [each for each in sys.modules if each.startswith("torchvision.")]:
            del sys.modules[name]
        library: Any = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for operator in _OPERATORS:
            library.define(operator + _SCHEMA)
        _libraries.append(library)
        import_module("torchvision")
