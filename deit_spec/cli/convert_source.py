"""What `deit-spec weights convert` converts: a model, or a checkpoint for a spec."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from deit_spec.cli.inputs import read
from deit_spec.cli.output import fail, report, shown_name
from deit_spec.diagnostics import DiagnosedError
from deit_spec.pipeline import OWN, finish

if TYPE_CHECKING:
    from deit_spec.graph import LayerGraph
    from deit_spec.model.preprocessing import Preprocessing
    from deit_spec.spec import DeiTSpec
    from deit_spec.weights import Permission


@dataclass(frozen=True)
class Source:
    """The parts of a model: its spec, weights, preprocessing and class names.

    `permitted` is what its weights may need without being asked.
    """

    graph: "LayerGraph"
    spec: "DeiTSpec"
    weights: str
    images: "Preprocessing"
    classes: tuple[str, ...] | None
    permitted: "frozenset[Permission]" = frozenset()

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata of a safetensors file with these parts."""
        from deit_spec.weights import make_metadata

        return make_metadata(self.spec, self.images.to_json(), self.classes)


def open_source(name: str, checkpoint: str | None, labels: Path | None) -> Source:
    """Open a model, or check a spec for a checkpoint; report findings, or exit.

    `labels` is a file with other class names.
    """
    source = _check_spec(name, checkpoint) if checkpoint else _open_model(name)
    if labels is None:
        return source
    return replace(source, classes=_read_labels(labels, source.spec.num_classes))


def _open_model(name: str) -> Source:
    from deit_spec.model.model_folder import Kind, open_model_folder
    from deit_spec.model.spec_or_model import is_model_path

    if not is_model_path(name):
        fail(f"{shown_name(name)} is not a model folder; add a CHECKPOINT")
    try:
        model = open_model_folder(Path(name))
    except DiagnosedError as error:
        report(error.diagnostics)
        raise typer.Exit(1) from None
    report((*model.checked.diagnostics, *model.diagnostics))
    graph = finish(model.checked)
    if model.kind is not Kind.RUN:  # then no file has lines to point to
        graph.places = {}
    weights, images = str(model.weights), model.preprocessing
    return Source(graph, model.spec, weights, images, model.classes, OWN)


def _check_spec(name: str, checkpoint: str) -> Source:
    from deit_spec.model.inherited_parts import inherit_parts

    checked = read(name)
    assert checked.spec is not None  # noqa: S101  -- see `read`
    images, classes = inherit_parts(checked.spec, (checkpoint, name))
    return Source(finish(checked), checked.spec, checkpoint, images, classes)


def _read_labels(path: Path, count: int | None) -> tuple[str, ...]:
    """Read as many class names as the model has classes, or exit with 2."""
    from deit_spec.model.class_names import ClassNamesError, read_class_names

    try:
        names = read_class_names(path)
    except ClassNamesError as error:
        fail(str(error))
    if len(names) != count:
        labels = f"the number of labels in {path} is {len(names):,}"
        fail(f"{labels}, but the model has {count or 0:,} classes")
    return names
