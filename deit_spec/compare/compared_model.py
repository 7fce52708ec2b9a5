"""The two sides of a comparison: a spec, a model, a checkpoint or a git revision."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from deit_spec.compare.git_revision import check_at_revision, is_at_revision
from deit_spec.diagnostics import DiagnosedError
from deit_spec.graph import LayerGraph, Target
from deit_spec.model.spec_or_model import check_spec_or_model, is_model_path
from deit_spec.passes import PassOptions
from deit_spec.pipeline import finish
from deit_spec.spec import Checked, DeiTSpec, SpecLike, check_spec
from deit_spec.spec.origin import EXPORTED_SUFFIXES
from deit_spec.spec.schema import plain_name


@dataclass(frozen=True)
class ComparedModel:
    """A valid spec with its graph, and its weights if it has some."""

    reference: str
    spec: DeiTSpec
    checked: Checked
    graph: LayerGraph
    weights: Path | None = None

    @classmethod
    def open(cls, spec: SpecLike, target: Target) -> "ComparedModel":
        """Check and compile a spec or the spec of a model, or raise a SpecError."""
        if isinstance(spec, str | os.PathLike):
            name = os.fspath(spec)
            return cls.of(name, check_compared(name), target)
        checked = check_spec(spec)
        name = checked.spec.name if checked.spec is not None else ""
        return cls.of(name, checked, target)

    @classmethod
    def of(
        cls,
        reference: str,
        checked: Checked,
        target: Target = Target.TRAIN,
        options: PassOptions | None = None,
    ) -> "ComparedModel":
        """Compile a checked spec, or raise a SpecError."""
        graph = finish(checked, target, options)
        assert checked.spec is not None  # noqa: S101  -- it was compiled
        return cls(reference, checked.spec, checked, graph, _weights_at(reference))


def is_special(name: str) -> bool:
    """Whether a reference is a model, a checkpoint or a revision, not a YAML spec."""
    return is_at_revision(name) or is_model_path(name)


def check_compared(name: str) -> Checked:
    """Check the spec of a reference; for a checkpoint without one, infer it."""
    try:
        if is_at_revision(name):
            return check_at_revision(name)
        path = Path(name)
        if is_model_path(name) and path.is_file() and not _is_export(path):
            return _check_checkpoint(path)
        return check_spec_or_model(name)
    except DiagnosedError as error:
        return Checked(None, tuple(error.diagnostics))


def _check_checkpoint(path: Path) -> Checked:
    """The spec of weights: from their metadata, or one that fits their shapes."""
    from deit_spec.weights import inspect, open_checkpoint, spec_metadata  # noqa: PLC0415  -- torch

    checkpoint = open_checkpoint(path)
    found = inspect(checkpoint)
    described = spec_metadata.check_metadata(checkpoint.metadata, str(path))
    if described is not None:
        return described
    checked = check_spec({"name": plain_name(path.stem), **found.values})
    return replace(checked, diagnostics=(*found.diagnostics, *checked.diagnostics))


def _weights_at(name: str) -> Path | None:
    """The weights of a model folder or of a file; None for a spec or an export."""
    if is_at_revision(name) or not is_model_path(name) or _is_export(Path(name)):
        return None
    from deit_spec.model.model_folder import weights_of  # noqa: PLC0415

    path = Path(name)
    if path.is_file():
        return path
    weights = weights_of(path)
    return weights if weights.exists() else None


def _is_export(path: Path) -> bool:
    return path.suffix.lower() in EXPORTED_SUFFIXES
