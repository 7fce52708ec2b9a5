"""Export of a model to a file that another runtime opens.

The package is also the public function: `deit_spec.export(model, path)`.
"""

import sys
from inspect import signature
from types import ModuleType

from deit_spec.export.export_model import export


class _Package(ModuleType):
    """A package that can be called, because a function has its name."""

    __call__ = staticmethod(export)


sys.modules[__name__].__class__ = _Package
__signature__ = signature(export)
