"""timm and transformers, also where torchvision's compiled operators cannot load."""

from types import ModuleType

from deit_spec.distill.optional_packages import import_package


def import_timm() -> ModuleType:
    """Import timm."""
    return import_package("timm")


def import_transformers() -> ModuleType:
    """Import transformers."""
    return import_package("transformers")
