"""Export a model to a file that another runtime opens.

`deit_spec.export` is the function with this name, until something imports this package.
Therefore the package can be called as well.
"""

import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """A package that is called as the function with its name."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call `deit_spec.export.export_model.export`."""
        from deit_spec.export.export_model import export  # noqa: PLC0415

        return export(*arguments, **options)


sys.modules[__name__].__class__ = _CallablePackage
