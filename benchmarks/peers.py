"""timm and transformers, also where torchvision's compiled ops cannot load."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch

OPS = ("nms", "qnms")
SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"

_libraries: list[torch.library.Library] = []
"""Schemas live as long as the library objects that define them."""


def import_timm() -> ModuleType:
    """Import timm.

    timm imports torchvision, which registers a fake kernel for `nms`; beside a
    torch of another build its own library cannot load, and the import fails for
    want of the schema. So the schemas are declared where the library is missing.
    """
    if not _libraries and not _loads_ops():
        library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for name in OPS:
            library.define(f"{name}{SCHEMA}")  # type: ignore[no-untyped-call]
        _libraries.append(library)
    return import_module("timm")


def _loads_ops() -> bool:
    """Whether torchvision's own library loads; loading it twice does nothing."""
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        return False
    try:
        for library in Path(spec.origin).parent.glob("_C*"):
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
    except OSError:
        return False
    return hasattr(torch.ops.torchvision, OPS[0])


def import_transformers() -> ModuleType:
    """Import transformers, which imports torchvision as timm does."""
    import_timm()
    return import_module("transformers")
