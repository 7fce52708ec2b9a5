"""A model compiler for DeiT, the data-efficient image transformer.

    >>> import deit_spec
    >>> deit_spec.output_size({"num_classes": 10})
    10

Names are imported on first use, so `import deit_spec` is fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from deit_spec.version import __version__

if TYPE_CHECKING:
    from deit_spec.attention.image_maps import attribute
    from deit_spec.classifier import Classifier, load_model
    from deit_spec.compare import ModelDifference, diff
    from deit_spec.diagnostics import Diagnostic
    from deit_spec.exporting.export_model import export
    from deit_spec.graph import LayerGraph
    from deit_spec.loading import load
    from deit_spec.model.model_folder import ModelFolderError
    from deit_spec.pipeline import (
        Compiled,
        SpecError,
        compile,  # noqa: A004
        load_spec,
        lower,
        output_size,
    )
    from deit_spec.runtime.exported_module import ExportedFileError
    from deit_spec.spec import DeiTSpec, Variant
    from deit_spec.weights import WeightsError

_HOMES = {
    "Classifier": "deit_spec.classifier",
    "Compiled": "deit_spec.pipeline",
    "DeiTSpec": "deit_spec.spec",
    "Diagnostic": "deit_spec.diagnostics",
    "ExportedFileError": "deit_spec.runtime.exported_module",
    "LayerGraph": "deit_spec.graph",
    "ModelDifference": "deit_spec.compare",
    "ModelFolderError": "deit_spec.model.model_folder",
    "SpecError": "deit_spec.pipeline",
    "Variant": "deit_spec.spec",
    "WeightsError": "deit_spec.weights",
    "attribute": "deit_spec.attention.image_maps",
    "compile": "deit_spec.pipeline",
    "diff": "deit_spec.compare",
    "export": "deit_spec.exporting.export_model",
    "load": "deit_spec.loading",
    "load_model": "deit_spec.classifier",
    "load_spec": "deit_spec.pipeline",
    "lower": "deit_spec.pipeline",
    "output_size": "deit_spec.pipeline",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'deit_spec' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__]


__all__ = [
    "Classifier",
    "Compiled",
    "DeiTSpec",
    "Diagnostic",
    "ExportedFileError",
    "LayerGraph",
    "ModelDifference",
    "ModelFolderError",
    "SpecError",
    "Variant",
    "WeightsError",
    "__version__",
    "attribute",
    "compile",
    "diff",
    "export",
    "load",
    "load_model",
    "load_spec",
    "lower",
    "output_size",
]
