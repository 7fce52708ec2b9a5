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
    from deit_spec.model.class_names import ClassNamesError, read_class_names

    try:
        source = _check_spec(name, checkpoint) if checkpoint else _open_model(name)
        if labels is None:
            return source
        names = read_class_names(labels, source.spec.num_classes or 0)
    except DiagnosedError as error:
        report(error.diagnostics)
        raise typer.Exit(1) from None
    except ClassNamesError as error:
        fail(str(error))
    return replace(source, classes=names)


def _open_model(name: str) -> Source:
    from deit_spec.model.model_folder import Kind, open_model_folder
    from deit_spec.model.spec_or_model import is_model_path

    if not is_model_path(name):
        fail(f"{shown_name(name)} is not a model folder; add a CHECKPOINT")
    model = open_model_folder(Path(name))
    report((*model.checked.diagnostics, *model.diagnostics))
    graph = finish(model.checked)
    if model.kind is not Kind.RUN:  # then no file has lines to point to
        graph.places = {}
    weights, images = str(model.weights), model.preprocessing
    return Source(graph, model.spec, weights, images, model.classes, OWN)


def _check_spec(name: str, checkpoint: str) -> Source:
    from deit_spec.model.inherited_parts import inherit_parts
    from deit_spec.model.preprocessing import preprocessing_of

    checked = read(name)
    assert checked.spec is not None  # noqa: S101  -- see `read`
    images, classes = inherit_parts(checked.spec, (checkpoint, name))
    images = images or preprocessing_of(checked.spec)
    return Source(finish(checked), checked.spec, checkpoint, images, classes)
