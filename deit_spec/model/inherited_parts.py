"""What weights for another spec inherit of a model: preprocessing and class names."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from deit_spec.diagnostics import DiagnosedError
from deit_spec.model.model_folder import open_model_folder
from deit_spec.model.preprocessing import Preprocessing, preprocessing_of
from deit_spec.model.spec_or_model import is_model_path
from deit_spec.spec import DeiTSpec


def inherit_parts(
    spec: DeiTSpec, names: Iterable[str]
) -> tuple[Preprocessing, tuple[str, ...] | None]:
    """The preprocessing and the class names of the first name that is a model.

    Images get the size of the spec. Without a model, or if the spec has another number
    of channels, they are prepared as those of ImageNet. Another number of classes has
    no names.
    """
    for name in names:
        if not is_model_path(name):
            continue
        try:
            model = open_model_folder(Path(name))
        except DiagnosedError:  # a checkpoint that does not describe itself
            continue
        preprocessing = replace(model.preprocessing, size=spec.image_size)
        if preprocessing.channels != spec.in_channels:
            preprocessing = preprocessing_of(spec)
        is_same = len(model.classes or ()) == spec.num_classes
        return preprocessing, model.classes if is_same else None
    return preprocessing_of(spec), None
