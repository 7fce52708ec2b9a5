"""What `deit-spec weights convert` converts: a model, or a checkpoint for a spec."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from deit_spec.cli.inputs import read
from deit_spec.cli.output import fail, report, shown_name
from deit_spec.diagnostics import DiagnosedError, Diagnostic
from deit_spec.diagnostics.printable import listed, visible
from deit_spec.loading import OWN
from deit_spec.pipeline import finish

if TYPE_CHECKING:
    from deit_spec.graph import LayerGraph
    from deit_spec.model.preprocessing import Preprocessing
    from deit_spec.spec import DeiTSpec
    from deit_spec.weights import Permission


@dataclass(frozen=True)
class Source:
    """The parts of a model: its spec, weights, preprocessing and class names.

    `permitted` is what its weights may need without being asked, and `assumed` says
    what of its preprocessing was.
    """

    graph: "LayerGraph"
    spec: "DeiTSpec"
    weights: str
    images: "Preprocessing"
    classes: tuple[str, ...] | None
    permitted: "frozenset[Permission]" = frozenset()
    assumed: tuple[Diagnostic, ...] = ()

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
    return replace(source, classes=_replaced(names, source.classes))


def _replaced(names: Sequence[str], own: Sequence[str] | None) -> tuple[str, ...]:
    """The names of a file, in the order of a model that has the same classes."""
    from deit_spec.model.class_names import match_model_classes
    from deit_spec.recipe.class_matching import Relation

    if own is None:
        return tuple(names)
    match = match_model_classes(names, own)
    if match.relation is Relation.DIFFERENT:
        text = f"note: the class names {listed(own)} are replaced by {listed(names)}"
        typer.echo(visible(text), err=True)
        return tuple(names)
    by_index = dict(zip(match.indices, names, strict=True))
    return tuple(by_index[index] for index in range(len(own)))


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
    from deit_spec.model.model_folder import assumed_preprocessing
    from deit_spec.model.preprocessing import preprocessing_of

    checked = read(name)
    assert checked.spec is not None  # noqa: S101  -- see `read`
    names = checkpoint, name
    images, classes, assumed = inherit_parts(checked.spec, names)
    if images is None:
        images = preprocessing_of(checked.spec)
        assumed = (assumed_preprocessing(Path(checkpoint), images),)
    graph = finish(checked)
    return Source(graph, checked.spec, checkpoint, images, classes, assumed=assumed)
