"""`deit-spec evaluate`: what a trained model scores on images held out."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deit_spec.cli.arguments import OutputOption, TextForm
from deit_spec.cli.messages import report
from deit_spec.cli.output import emit
from deit_spec.cli.trained import (
    BatchOption,
    DeviceOption,
    ModelArgument,
    RecipeOption,
    SetOption,
    WeightsOption,
    failures,
    open_model,
)

if TYPE_CHECKING:
    from deit_spec.distill.evaluation import Scores
    from deit_spec.distill.metrics import HeadScores
    from deit_spec.distill.trained_model import TrainedModel
    from deit_spec.recipe import CheckedRecipe

VERSION = 1
"""Of the JSON form; it grows when a key goes or changes its meaning."""
DIGITS = "digits"


def run(  # noqa: PLR0913  -- each is an option of the command
    model: ModelArgument,
    output: OutputOption = None,
    *,
    weights: WeightsOption = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="digits|FOLDER|DATASET",
            help="Other images than the recipe's: the digits, a folder of images, or "
            "a dataset of Hugging Face.",
        ),
    ] = None,
    recipe: RecipeOption = None,
    overrides: SetOption = None,
    batch_size: BatchOption = 256,
    device: DeviceOption = None,
    form: Annotated[
        TextForm, typer.Option("--output-format", help="The form of the scores.")
    ] = TextForm.TEXT,
) -> None:
    """Evaluate a trained model: each head, both fused, calibration, throughput."""
    from deit_spec.distill.data import open_data
    from deit_spec.distill.evaluation import evaluate
    from deit_spec.distill.trained_model import best_device

    trained = open_model(model, weights, recipe)
    if trained.folder is None and data is None and recipe is None:
        raise typer.BadParameter("a spec needs --data or --recipe beside --weights")
    place = device or best_device()
    with failures():
        checked = trained.read_recipe(recipe, overrides or [], _source(data))
        if data is None and recipe is None:
            _warn_of_split(trained, checked)
        told = checked.recipe is not None and checked.recipe.data.val_images
        whole = data is not None and not told
        opened = open_data(checked, training=False, whole=whole)
        scores = evaluate(
            trained.load(place, report),
            opened.val(batch_size),
            fusion=trained.spec.variant.fusion,
            device=place,
        )
    assert checked.recipe is not None  # noqa: S101  -- it has no errors
    about = checked.recipe.data
    facts = {
        "spec": trained.name,
        "weights": str(trained.weights),
        "data": about.builtin or about.folder or about.dataset,
        "images": scores.images,
        "unreadable": list(opened.unreadable),
        "device": place,
    }
    if form is TextForm.JSON:
        emit(json.dumps(_as_json(trained, scores, facts), indent=2) + "\n", output)
    else:
        _print(trained, scores, facts, output)


def _warn_of_split(trained: "TrainedModel", checked: "CheckedRecipe") -> None:
    """Say where a run's own images are split anew: it has learned from some."""
    own, new = trained.read_recipe().recipe, checked.recipe
    if own is None or new is None:
        return
    split = [
        name
        for name in ("split_seed", "val_images")
        if getattr(own.data, name) != getattr(new.data, name)
    ]
    if split:
        fields = " and ".join(f"data.{name}" for name in split)
        typer.echo(
            f"warning: with another {fields} than the run's, images may be held out "
            "that it has learned from",
            err=True,
        )


def _source(data: str | None) -> str | None:
    """The recipe's words for data."""
    if data is None:
        return None
    if data == DIGITS:
        return f"data.builtin={DIGITS}"
    path = Path(data).expanduser()
    # A name of a dataset has a slash too; where there is nothing, that is said.
    is_name = data.count("/") <= 1 and not data.startswith((".", "~"))
    if path.exists() or not is_name:
        return f"data.folder={json.dumps(str(path.absolute()))}"
    return f"data.dataset={json.dumps(data)}"


def _rows(trained: "TrainedModel", scores: "Scores") -> "dict[str, HeadScores | None]":
    if not trained.spec.has_two_heads:
        return {"class head": scores.cls}
    return {
        "class head": scores.cls,
        "distillation head": scores.dist,
        f"fused ({trained.spec.variant.fusion})": scores.fused,
    }


def _print(
    trained: "TrainedModel",
    scores: "Scores",
    facts: dict[str, Any],
    output: Path | None,
) -> None:
    from deit_spec.cli.tables import print_table, table_of

    head = ["head", "top-1 %", "top-5 %", "NLL", "ECE %"]
    rows = [[name, *_cells(each)] for name, each in _rows(trained, scores).items()]
    unread = facts["unreadable"]
    below = [
        f"{facts['data']}, {scores.images:,} images held out",
        f"{facts['weights']} on {facts['device']}",
        f"{scores.images_per_second:,.0f} images/s, reading included",
        *(f"unreadable, left out: {name}" for name in unread),
        "",
        "NLL: negative log-likelihood of the label, in nats, mean over the images",
        "ECE: expected calibration error, 15 bins of equal width",
    ]
    print_table(table_of(head, rows), below, output)


def _cells(head: "HeadScores | None") -> list[str]:
    if head is None:  # it tells other classes apart than the labels do
        return ["-"] * 4
    return [
        f"{100 * head.top1:.2f}",
        f"{100 * head.top5:.2f}",
        f"{head.nll:.4f}",
        f"{100 * head.ece:.2f}",
    ]


def _as_json(
    trained: "TrainedModel", scores: "Scores", facts: dict[str, Any]
) -> dict[str, Any]:
    return {
        "version": VERSION,
        **facts,
        "fusion": trained.spec.variant.fusion if trained.spec.has_two_heads else None,
        "heads": {
            "cls": _numbers(scores.cls),
            "dist": _numbers(scores.dist),
            "fused": _numbers(scores.fused),
        },
        "seconds": scores.seconds,
        "images_per_second": scores.images_per_second,
    }


def _numbers(head: "HeadScores | None") -> dict[str, float | None] | None:
    if head is None:
        return None
    values = {name: getattr(head, name) for name in ("top1", "top5", "nll", "ece")}
    # JSON has no NaN, which broken weights score.
    return {
        key: value if math.isfinite(value) else None for key, value in values.items()
    }
