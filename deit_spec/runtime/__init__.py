"""From source to a torch module. torch is imported from here down."""

from deit_spec.runtime.build import build
from deit_spec.runtime.modules import import_source

__all__ = ["build", "import_source"]
