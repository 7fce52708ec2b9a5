"""`deit-spec list`: the published models."""

import json
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Annotated

import typer

from deit_spec.cli.arguments import OutputOption
from deit_spec.cli.output import emit
from deit_spec.cost import short, total
from deit_spec.pipeline import finish
from deit_spec.published import accuracies
from deit_spec.spec import check_spec


class Format(Enum):
    """What the list is printed as."""

    TABLE = "table"
    JSON = "json"


VERSION = 1
"""Of the JSON form; it grows when a key goes or changes its meaning."""


@dataclass(frozen=True, slots=True)
class Model:
    """What is told of a published model; `macs` are for one image."""

    name: str
    image_size: int
    tokens: int
    parameters: int
    macs: int
    imagenet_top1: float
    source: str


def run(
    output: OutputOption = None,
    *,
    form: Annotated[
        Format, typer.Option("--output-format", help="The form of the list.")
    ] = Format.TABLE,
) -> None:
    """List the published models, each usable by name as a SPEC."""
    models = published_models()
    if form is Format.JSON:
        data = {"version": VERSION, "models": [asdict(model) for model in models]}
        emit(json.dumps(data, indent=2, ensure_ascii=False) + "\n", output)
        return
    from deit_spec.cli.tables import print_table, table_of  # JSON needs no rich

    sources = list(dict.fromkeys(model.source for model in models))
    head = ["name", "image", "tokens", "parameters", "MACs", "top-1 %"]
    rows = [_cells(model, sources) for model in models]
    notes = [f"[{place}] {source}" for place, source in enumerate(sources, 1)]
    about = "top-1 on the validation set of ImageNet-1k, trained on ImageNet-1k alone"
    print_table(table_of(head, rows), [about, *notes], output)


def published_models() -> list[Model]:
    """Cost every published model from its graph."""
    return [_model(name) for name in accuracies()]


def _model(name: str) -> Model:
    graph, accuracy = finish(check_spec(name)), accuracies()[name]
    cost = total(graph)
    return Model(
        name,
        graph.shape("images")[2].known,
        graph.shape("norm")[1].known,
        cost.parameters,
        cost.macs,
        accuracy.top1,
        accuracy.source,
    )


def _cells(model: Model, sources: list[str]) -> list[str]:
    return [
        model.name,
        str(model.image_size),
        str(model.tokens),
        f"{model.parameters:,}",
        short(model.macs),
        f"{model.imagenet_top1:.1f} [{sources.index(model.source) + 1}]",
    ]
