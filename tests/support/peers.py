"""timm, on a machine whose torchvision has no compiled ops."""

from types import ModuleType

import torch

_library: torch.library.Library | None = None


def import_timm() -> ModuleType:
    """Import timm; declare torchvision's ops first where they cannot load.

    torchvision registers a fake kernel for `nms` when it is imported, which
    fails beside a CPU build of torch unless the schema is there.
    """
    global _library  # noqa: PLW0603  -- the schemas live as long as the library object
    if not hasattr(torch.ops.torchvision, "nms"):
        _library = torch.library.Library("torchvision", "DEF")
        arguments = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        for name in ("nms", "qnms"):
            _library.define(f"{name}{arguments}")
    import timm  # noqa: PLC0415  -- once the ops are declared

    return timm


def import_transformers() -> ModuleType:
    """Import transformers, which imports torchvision as timm does."""
    import_timm()
    import transformers  # noqa: PLC0415  -- once the ops are declared

    return transformers
