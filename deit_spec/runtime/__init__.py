"""Torch modules from generated source. This package and later ones import torch."""

from deit_spec.runtime.build import DTYPES, as_dtype, build, make_empty
from deit_spec.runtime.draw import draw
from deit_spec.runtime.modules import import_source

__all__ = ["DTYPES", "as_dtype", "build", "draw", "import_source", "make_empty"]
