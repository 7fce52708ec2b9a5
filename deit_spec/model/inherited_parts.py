"""What weights for another spec inherit from a model: preprocessing and class names."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from deit_spec.diagnostics import Diagnostic
from deit_spec.model.model_folder import open_if_model
from deit_spec.model.preprocessing import Preprocessing
from deit_spec.model.spec_or_model import is_model_path
from deit_spec.spec import DeiTSpec


def inherit_parts(
    spec: DeiTSpec, names: Iterable[str]
) -> tuple[Preprocessing | None, tuple[str, ...] | None, tuple[Diagnostic, ...]]:
    """The preprocessing and the class names of the first name that is a model.

    Also the findings about what was assumed. The image size is that of the spec. The
    preprocessing is None for another number of channels, and the names are None for
    another number of classes. Raises DiagnosedError if the model cannot be used.
    """
    for name in names:
        if not is_model_path(name):
            continue
        model = open_if_model(Path(name))
        if model is None:
            continue
        images = replace(model.preprocessing, size=spec.image_size)
        has_same_channels = images.channels == spec.in_channels
        is_same = len(model.classes or ()) == spec.num_classes
        return (
            images if has_same_channels else None,
            model.classes if is_same else None,
            model.diagnostics if has_same_channels else (),
        )
    return None, None, ()
