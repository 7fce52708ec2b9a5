"""`deit-spec predict`: the most likely classes of images."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deit_spec.cli import model_options
from deit_spec.cli.options import OutputOption, TableFormat, format_option, option
from deit_spec.cli.output import emit, emit_json, report
from deit_spec.diagnostics.printable import visible
from deit_spec.recipe.run_files import HEADS

if TYPE_CHECKING:
    from deit_spec.distill.prediction import (
        Prediction,
        RankedClass,
        UnreadableImage,
    )

VERSION = 1
"""Of the JSON format; it grows when a key is removed or changes its meaning."""


def run(  # noqa: PLR0913  -- each is an option of the command
    model: model_options.RunnableArgument,
    images: model_options.ImagesArgument,
    output: OutputOption = None,
    *,
    weights: model_options.WeightsOption = None,
    top: Annotated[
        int,
        option("--top", "The number of classes for each image.", metavar="N", min=1),
    ] = 5,
    heads: Annotated[
        bool, typer.Option("--heads", help="Also show the classes of each head.")
    ] = False,
    labels: model_options.LabelsOption = None,
    recipe: model_options.RecipeOption = None,
    crop: model_options.CropOption = None,
    batch_size: model_options.BatchOption = 64,
    device: model_options.DeviceOption = None,
    format_: Annotated[
        TableFormat, format_option("The format of the classes.")
    ] = TableFormat.TABLE,
) -> None:
    """Predict the classes of images.

    Exit with 1 if an image cannot be read.
    """
    from deit_spec.distill.prediction import predict

    trained = model_options.open_model(model, weights, recipe, exported=True)
    names = model_options.class_names(trained, labels)
    paths, note = model_options.image_paths(images)
    device = device or trained.best_device
    k = trained.interface.k if trained.interface else None
    if k is not None and k < top:
        typer.echo(f"note: the file returns {k} classes for each image", err=True)
        top = k
    unreadable: list[UnreadableImage] = []
    with model_options.model_errors():
        predictions = predict(
            trained.load(device, report),
            paths,
            trained.preprocessing(recipe, crop),
            unreadable,
            fusion=trained.spec.fusion,
            top=top,
            heads=heads,
            batch_size=batch_size,
            device=device,
        )
        found = [
            each._replace(heads=_named(each.heads, trained.heads))
            for each in predictions
        ]
    if format_ is TableFormat.JSON:
        data = {
            "version": VERSION,
            "spec": trained.name,
            "weights": str(trained.weights),
            "images": [_as_json(each, names) for each in found],
            "unreadable": [each._asdict() for each in unreadable],
        }
        emit_json(data, output)
    elif format_ is TableFormat.CSV:
        emit(_as_csv(found, names), output)
    elif found:
        _print(found, names, output, heads=heads, weights=trained.weights)
    model_options.report_unread(unreadable, note)


def _named(
    heads: "dict[str, list[RankedClass]]", names: Sequence[str]
) -> "dict[str, list[RankedClass]]":
    """The same heads under the last of these names: an exported file has one head."""
    return dict(zip(names[-len(heads) :], heads.values(), strict=True))


def _guesses(
    found: "Sequence[Prediction]", names: Sequence[str]
) -> "Iterator[tuple[str, str, int, RankedClass, str]]":
    """Image, head, rank, guess and class name of each row."""
    for image, heads in found:
        for head, guesses in heads.items():
            for rank, guess in enumerate(guesses, 1):
                name = names[guess.category] if guess.category < len(names) else ""
                yield image, head, rank, guess, name


def _print(
    found: "Sequence[Prediction]",
    names: Sequence[str],
    output: Path | None,
    *,
    heads: bool,
    weights: Path,
) -> None:
    from deit_spec.cli.tables import print_table, table_of

    rows: list[list[str]] = []
    shown = ""
    for image, head, rank, guess, name in _guesses(found, names):
        first = rank == 1
        rows.append(
            [
                visible(image) if first and image != shown else "",
                *([HEADS[head] if first else ""] if heads else []),
                f"{100 * guess.probability:.2f}",
                str(guess.category),
                *([visible(name)] if names else []),
            ]
        )
        shown = image
    titles = ["image", *(["head"] if heads else []), "%", "class"]
    titles += ["label"] if names else []
    table = table_of(titles, rows, left=["head", "label"])
    print_table(table, [f"model: {weights}"], output)


def _as_csv(found: "Sequence[Prediction]", names: Sequence[str]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "head", "rank", "class", "label", "probability"])
    for image, head, rank, guess, name in _guesses(found, names):
        writer.writerow([image, head, rank, guess.category, name, guess.probability])
    return text.getvalue()


def _as_json(found: "Prediction", names: Sequence[str]) -> dict[str, Any]:
    heads: dict[str, list[Any]] = {head: [] for head in found.heads}
    for _, head, _, (category, probability), name in _guesses([found], names):
        guess = {"class": category, "label": name or None, "probability": probability}
        heads[head].append(guess)
    return {"image": found.image, "heads": heads}
