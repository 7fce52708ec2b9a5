"""timm and transformers, also where torchvision's compiled ops cannot load."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch
from torch import library

OPS = ("nms", "qnms")
SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def import_timm() -> ModuleType:
    """Import timm.

    timm imports torchvision, which registers a fake kernel for `nms`; beside a
    torch of another build its own library cannot load, and the import fails for
    want of the schema. So the schemas are declared where the library is missing.
    """
    if not _has_ops() and not _loads_ops():
        for name in OPS:
            library.define(f"torchvision::{name}", SCHEMA)
    return import_module("timm")


def _has_ops() -> bool:
    return hasattr(torch.ops.torchvision, OPS[0])


def _loads_ops() -> bool:
    """Whether torchvision's own library loads; loading it twice does nothing."""
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        return False
    try:
        for compiled in Path(spec.origin).parent.glob("_C*"):
            torch.ops.load_library(str(compiled))  # type: ignore[no-untyped-call]
    except OSError:
        return False
    return _has_ops()


def import_transformers() -> ModuleType:
    """Import transformers, which imports torchvision as timm does."""
    import_timm()
    return import_module("transformers")
