"""`deit-spec evaluate`: score a trained model on held-out images."""

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deit_spec.cli import model_options
from deit_spec.cli.confusion_tables import confusion_json, confusion_tables, lines_below
from deit_spec.cli.options import OutputOption, TextFormat, format_option, option
from deit_spec.cli.output import PICTURES, emit, emit_json, fail, report, require_folder
from deit_spec.diagnostics.printable import visible
from deit_spec.recipe.run_files import HEADS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deit_spec.distill.confusion_matrix import ConfusionMatrix
    from deit_spec.distill.data import Data
    from deit_spec.distill.evaluation import HeadScores, Scores
    from deit_spec.distill.scored_images import ScoredImages
    from deit_spec.distill.trained_model import TrainedModel

VERSION = 1
"""Of the JSON format; it grows when a key is removed or changes its meaning."""


def run(  # noqa: PLR0913  -- each is an option of the command
    model: model_options.RunnableArgument,
    output: OutputOption = None,
    *,
    weights: model_options.WeightsOption = None,
    data: Annotated[
        str | None,
        option(
            "--data",
            "Score all images of a folder or of a Hugging Face dataset, or all of its "
            "validation split if it has one; or the built-in digits.",
            metavar="digits|FOLDER|DATASET",
        ),
    ] = None,
    recipe: model_options.RecipeOption = None,
    overrides: model_options.SetOption = None,
    batch_size: model_options.BatchOption = 256,
    device: model_options.DeviceOption = None,
    confusion: Annotated[
        bool,
        typer.Option(
            "--confusion",
            help="Also report the confusion matrix and the accuracy of each class.",
        ),
    ] = False,
    plot: Annotated[
        Path | None,
        option(
            "--plot",
            "Draw the confusion matrix; the extension is .png or .svg.",
            metavar="FILE",
        ),
    ] = None,
    format_: Annotated[
        TextFormat, format_option("The format of the scores.")
    ] = TextFormat.TEXT,
) -> None:
    """Score a trained model on held-out images or on others.

    Report accuracy, likelihood and calibration for each head and for both combined.
    Exit with 1 if an image cannot be read, unless `data.unreadable` allows it.
    """
    from deit_spec.distill.optional_packages import require_packages
    from deit_spec.distill.scored_images import data_override, open_scored_images

    if plot is not None and plot.suffix.lower() not in PICTURES:
        fail(f"--plot {plot} does not end in .png or .svg")
    require_folder(plot)
    trained = model_options.open_model(model, weights, recipe, exported=True)
    if trained.folder is None and data is None and recipe is None:
        raise typer.BadParameter("a model without a run needs --data or --recipe")
    override = None if data is None else data_override(data)
    with model_options.model_errors():
        if plot is not None:
            require_packages("plots", "matplotlib")
        images = open_scored_images(trained, recipe, overrides or [], override)
        found = _evaluate(trained, images, batch_size, device or trained.best_device)
    if format_ is TextFormat.JSON:
        _print_json(found, output, confusion=confusion)
    else:
        _print(found, output, confusion=confusion)
    if plot is not None:
        from deit_spec.distill.confusion_plot import draw_confusion_matrix

        drawn = draw_confusion_matrix(found.matrix, images.data.classes, found.data)
        emit(drawn[plot.suffix[1:].lower()], plot)
    if len(images.data.unreadable) > images.allowed_unreadable:
        _print_unreadable(images.data)
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Evaluated:
    """A model, the images that it was scored on, and the results."""

    trained: "TrainedModel"
    images: "ScoredImages"
    device: str
    scores: "Scores"
    matrix: "ConfusionMatrix"

    @property
    def data(self) -> str:
        """The images in words."""
        return f"{self.images.name}, {self.images.describe(self.scores.images)}"


def _evaluate(
    trained: "TrainedModel", images: "ScoredImages", batch_size: int, device: str
) -> _Evaluated:
    """Report notes and warnings about the images, and score the model on them."""
    from deit_spec.distill.confusion_matrix import ConfusionMatrix
    from deit_spec.distill.evaluation import NoImagesError, evaluate
    from deit_spec.distill.exported_model import predicted_classes
    from deit_spec.distill.image_files import note_of_ignored
    from deit_spec.distill.trained_model import ModelError

    opened = images.data
    report(opened.notes)
    for warning in images.warnings:
        typer.echo(visible(f"warning: {warning}"), err=True)
    if note := note_of_ignored(opened.ignored):
        typer.echo(visible(f"note: {note}"), err=True)
    count = predicted_classes(trained.spec)
    if trained.interface and count != trained.spec.num_classes:
        message = f"returns the {count} classes of its teacher, not those of labels"
        raise ModelError(f"{trained.weights} {message}")
    matrix = ConfusionMatrix(len(opened.classes))
    try:
        scores = evaluate(
            trained.load(device, report),
            opened.val(batch_size),
            fusion=trained.spec.fusion,
            device=device,
            confusion=matrix,
        )
    except NoImagesError:
        _print_unreadable(opened)
        raise
    return _Evaluated(trained, images, device, scores, matrix)


def _print_unreadable(opened: "Data") -> None:
    """Name the images that could not be read, as `predict` does."""
    for name, reason in opened.reasons.items():
        typer.echo(visible(f"error: cannot read {name}: {reason}"), err=True)


def _print_json(found: _Evaluated, output: Path | None, *, confusion: bool) -> None:
    trained, images, scores = found.trained, found.images, found.scores
    by_head = _by_head(trained, scores)
    value = {
        "version": VERSION,
        "spec": trained.name,
        "weights": str(trained.weights),
        "data": images.name,
        "images": scores.images,
        "trained_on": images.trained_on,
        "unreadable": list(images.data.unreadable),
        "device": found.device,
        "fusion": trained.spec.fusion if trained.spec.has_two_heads else None,
        "heads": {head: _numbers(by_head.get(head)) for head in HEADS},
        "seconds": scores.seconds,
        "images_per_second": scores.images_per_second,
    }
    if confusion:
        head = _head_of_matrix(by_head)
        value["confusion"] = confusion_json(found.matrix, images.data.classes, head)
    emit_json(value, output)


def _print(found: _Evaluated, output: Path | None, *, confusion: bool) -> None:
    from deit_spec.cli.tables import print_table, table_of, terminal_width

    trained, scores, opened = found.trained, found.scores, found.images.data
    k = trained.interface.k if trained.interface else None
    titles = {**HEADS, "fused": f"{HEADS['fused']} ({trained.spec.fusion})"}
    by_head = _by_head(trained, scores)
    rows = [[titles[head], *_cells(each)] for head, each in by_head.items()]
    if k:  # then some scores are not known
        rows = [[cell.replace("nan", "-") for cell in row] for row in rows]
    tables, about = [], list[str]()
    if confusion:
        width = terminal_width(output)
        tables = confusion_tables(found.matrix, opened.classes, width)
        head = HEADS[_head_of_matrix(by_head)]
        about = lines_below(found.matrix, len(tables), head)
    below = [
        found.data,
        f"{trained.weights} on {found.device}",
        f"{scores.images_per_second:,.0f} images/s, including reading",
        *(f"unreadable, left out: {name}" for name in opened.unreadable),
        *([f"the file returns {k} classes for each image"] if k else []),
        "",
        *about,
        "NLL: negative log-likelihood of the label, in nats, mean over the images",
        "ECE: expected calibration error, 15 bins of equal width",
    ]
    columns = ["head", "top-1 %", "top-5 %", "NLL", "ECE %"]
    print_table(table_of(columns, rows), below, output, tables)


def _by_head(
    trained: "TrainedModel", scores: "Scores"
) -> "dict[str, HeadScores | None]":
    """The scores of the heads of a model; None if its classes are not the labels'.

    An exported file has one head. If it returns only some classes, the scores that
    need the others are NaN.
    """
    from deit_spec.distill.evaluation import TOP

    interface = trained.interface
    if interface is None:
        return {head: getattr(scores, head) for head in trained.heads}
    found, (head,) = scores.cls, trained.heads
    if interface.k is not None:
        top5 = found.top5 if interface.k >= TOP else math.nan
        found = replace(found, top5=top5, nll=math.nan)
    return {head: found}


def _head_of_matrix(by_head: "Mapping[str, HeadScores | None]") -> str:
    """The head whose predictions the confusion matrix counts: what `predict` says."""
    return "fused" if by_head.get("fused") else "cls"


def _cells(head: "HeadScores | None") -> list[str]:
    if head is None:
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
