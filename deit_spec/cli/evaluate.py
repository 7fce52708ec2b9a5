"""`deit-spec evaluate`: score a trained model on held-out images."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deit_spec.cli import model_options
from deit_spec.cli.options import OutputOption, TextFormat, format_option, option
from deit_spec.cli.output import emit_json, report
from deit_spec.recipe.run_files import HEADS

if TYPE_CHECKING:
    from deit_spec.distill.evaluation import HeadScores, Scores
    from deit_spec.distill.trained_model import TrainedModel
    from deit_spec.recipe import CheckedRecipe

VERSION = 1
"""Of the JSON format; it grows when a key is removed or changes its meaning."""
DIGITS = "digits"


def run(  # noqa: PLR0913  -- each is an option of the command
    model: model_options.ModelArgument,
    output: OutputOption = None,
    *,
    weights: model_options.WeightsOption = None,
    data: Annotated[
        str | None,
        option(
            "--data",
            "The images to use instead of those of the recipe: the built-in "
            "digits, a folder of images or a Hugging Face dataset.",
            metavar="digits|FOLDER|DATASET",
        ),
    ] = None,
    recipe: model_options.RecipeOption = None,
    overrides: model_options.SetOption = None,
    batch_size: model_options.BatchOption = 256,
    device: model_options.DeviceOption = None,
    format_: Annotated[
        TextFormat, format_option("The format of the scores.")
    ] = TextFormat.TEXT,
) -> None:
    """Score a trained model on held-out images.

    Report accuracy, likelihood and calibration for each head and for both combined.
    """
    from deit_spec.distill.data import open_data
    from deit_spec.distill.evaluation import evaluate
    from deit_spec.distill.trained_model import best_device

    trained = model_options.open_model(model, weights, recipe)
    if trained.folder is None and data is None and recipe is None:
        raise typer.BadParameter("a spec with --weights needs --data or --recipe, too")
    device = device or best_device()
    with model_options.model_errors():
        checked = trained.read_recipe(recipe, overrides or [], _data_override(data))
        assert checked.recipe is not None  # noqa: S101  -- it has no errors
        if data is None and recipe is None:
            _warn_of_split(trained, checked)
        whole = data is not None and not checked.recipe.data.val_images
        known = trained.own_class_names()
        opened = open_data(checked, training=False, whole=whole, known=known)
        report(opened.notes)
        scores = evaluate(
            trained.load(device, report),
            opened.val(batch_size),
            fusion=trained.spec.fusion,
            device=device,
        )
    source = checked.recipe.data
    about = {
        "spec": trained.name,
        "weights": str(trained.weights),
        "data": source.builtin or source.folder or source.dataset,
        "images": scores.images,
        "unreadable": list(opened.unreadable),
        "device": device,
    }
    if format_ is TextFormat.JSON:
        fusion = trained.spec.fusion if trained.spec.has_two_heads else None
        heads = {head: _numbers(getattr(scores, head)) for head in HEADS}
        speed = scores.images_per_second
        end = {"seconds": scores.seconds, "images_per_second": speed}
        value = {"version": VERSION, **about, "fusion": fusion, "heads": heads, **end}
        emit_json(value, output)
    else:
        _print(trained, scores, about, output)


def _warn_of_split(trained: "TrainedModel", checked: "CheckedRecipe") -> None:
    """Warn if held-out images may have been used to train the model."""
    own, new = trained.read_recipe().recipe, checked.recipe
    if own is None or new is None:
        return
    why = "held-out images may include some that the model was trained on"
    for name in ("split_seed", "val_images"):
        if getattr(own.data, name) != getattr(new.data, name):
            text = f"warning: data.{name} differs from the run's, so {why}"
            typer.echo(text, err=True)


def _data_override(data: str | None) -> str | None:
    """The override of a recipe for `--data`."""
    if data is None:
        return None
    if data == DIGITS:
        return f"data.builtin={DIGITS}"
    path = Path(data).expanduser()
    # The name of a dataset may have a slash, too.
    is_name = data.count("/") <= 1 and not data.startswith((".", "~"))
    if path.exists() or not is_name:
        return f"data.folder={json.dumps(str(path.absolute()))}"
    return f"data.dataset={json.dumps(data)}"


def _print(
    trained: "TrainedModel",
    scores: "Scores",
    about: dict[str, Any],
    output: Path | None,
) -> None:
    from deit_spec.cli.tables import print_table, table_of

    rows = [["class head", *_cells(scores.cls)]]
    if trained.spec.has_two_heads:
        rows.append(["distillation head", *_cells(scores.dist)])
        fusion = trained.spec.fusion
        rows.append([f"fused ({fusion})", *_cells(scores.fused)])
    below = [
        f"{about['data']}, {scores.images:,} images held out",
        f"{about['weights']} on {about['device']}",
        f"{scores.images_per_second:,.0f} images/s, including reading",
        *(f"unreadable, left out: {name}" for name in about["unreadable"]),
        "",
        "NLL: negative log-likelihood of the label, in nats, mean over the images",
        "ECE: expected calibration error, 15 bins of equal width",
    ]
    head = ["head", "top-1 %", "top-5 %", "NLL", "ECE %"]
    print_table(table_of(head, rows), below, output)


def _cells(head: "HeadScores | None") -> list[str]:
    if head is None:  # its classes are not those of the labels
        return ["-"] * 4
    return [
        f"{100 * head.top1:.2f}",
        f"{100 * head.top5:.2f}",
        f"{head.nll:.4f}",
        f"{100 * head.ece:.2f}",
    ]


def _numbers(head: "HeadScores | None") -> dict[str, float | None] | None:
    if head is None:
        return None
    # JSON has no NaN, which is the score of broken weights.
    return {k: v if math.isfinite(v) else None for k, v in asdict(head).items()}
