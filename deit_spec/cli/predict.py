"""`deit-spec predict`: the most likely classes of images."""

import csv
import json
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deit_spec.cli.arguments import OutputOption, TableForm, path_of
from deit_spec.cli.messages import report
from deit_spec.cli.output import emit, fail, made_from
from deit_spec.cli.trained import (
    BatchOption,
    DeviceOption,
    ModelArgument,
    RecipeOption,
    WeightsOption,
    failures,
    open_model,
)
from deit_spec.recipe.run_files import HEADS

if TYPE_CHECKING:
    from deit_spec.distill.prediction import Guess, Prediction, UnreadableImage
    from deit_spec.distill.trained_model import TrainedModel

VERSION = 1
"""Of the JSON form; it grows when a key goes or changes its meaning."""


def run(  # noqa: PLR0913  -- each is an option of the command
    model: ModelArgument,
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGES...",
            parser=path_of,
            help="Images, or folders that are searched for them.",
        ),
    ],
    output: OutputOption = None,
    *,
    weights: WeightsOption = None,
    top: Annotated[
        int, typer.Option("--top", min=1, help="How many classes of each image.")
    ] = 5,
    heads: Annotated[
        bool, typer.Option("--heads", help="Show the classes of each head too.")
    ] = False,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            metavar="FILE",
            parser=path_of,
            help="What classes are called: a line each, or a list or mapping in "
            "JSON; else what the run or, for 1000 classes, ImageNet calls them.",
        ),
    ] = None,
    recipe: RecipeOption = None,
    crop: Annotated[
        float | None,
        typer.Option(
            "--crop",
            min=0.1,
            max=1.0,
            help="The share of the resized image's side that is seen; 0.875, and all "
            "of digits.",
        ),
    ] = None,
    batch_size: BatchOption = 64,
    device: DeviceOption = None,
    form: Annotated[
        TableForm, typer.Option("--output-format", help="The form of the classes.")
    ] = TableForm.TABLE,
) -> None:
    """Predict the classes of images; exit with 1 if one cannot be read."""
    from deit_spec.distill.prediction import UnreadableImage, images_in, predict
    from deit_spec.distill.trained_model import best_device

    trained = open_model(model, weights, recipe)
    called = _labels(trained, labels)
    try:
        paths = images_in(images)
    except FileNotFoundError as error:
        fail(str(error))
    made_from(*paths)
    place = device or best_device()
    with failures():
        preprocessing = trained.preprocessing(recipe, crop)
        found = list(
            predict(
                trained.load(place, report),
                paths,
                preprocessing,
                fusion=trained.spec.variant.fusion,
                top=top,
                heads=heads,
                batch_size=batch_size,
                device=place,
            )
        )
    said = [each for each in found if not isinstance(each, UnreadableImage)]
    unread = [each for each in found if isinstance(each, UnreadableImage)]
    if form is TableForm.JSON:
        emit(_as_json(trained, said, unread, called), output)
    elif form is TableForm.CSV:
        emit(_as_csv(said, called), output)
    elif said:
        _print(said, called, output, heads=heads, weights=trained.weights)
    for each in unread:
        typer.echo(f"error: cannot read {each.image}: {each.reason}", err=True)
    if unread:
        raise typer.Exit(1)


def _labels(trained: "TrainedModel", path: Path | None) -> Sequence[str]:
    """The names of the classes; nothing if they are not known."""
    from deit_spec.distill.trained_model import IMAGENET_CLASSES

    if path is not None:
        made_from(path)
    with failures():
        names = trained.class_names(path)
    if names is None and trained.spec.num_classes == IMAGENET_CLASSES:
        text = "note: the class names of ImageNet are not available without timm"
        typer.echo(text, err=True)
    return names or ()


def _rows(
    said: "Sequence[Prediction]", labels: Sequence[str]
) -> "Iterator[tuple[str, str, int, Guess, str]]":
    """Image, head, rank, guess and label of each line."""
    for image, heads in said:
        for head, guesses in heads.items():
            for rank, guess in enumerate(guesses, 1):
                known = guess.category < len(labels)
                label = labels[guess.category] if known else ""
                yield image, head, rank, guess, label


def _print(
    said: "Sequence[Prediction]",
    labels: Sequence[str],
    output: Path | None,
    *,
    heads: bool,
    weights: Path,
) -> None:
    from rich.markup import escape

    from deit_spec.cli.tables import print_table, table_of
    from deit_spec.diagnostics.printable import visible

    rows: list[list[str]] = []
    shown = ""
    for image, head, rank, guess, label in _rows(said, labels):
        first = rank == 1
        rows.append(
            [
                escape(visible(image)) if first and image != shown else "",
                *([HEADS[head] if first else ""] if heads else []),
                f"{100 * guess.probability:.2f}",
                str(guess.category),
                *([escape(visible(label))] if labels else []),
            ]
        )
        shown = image
    names = ["image", *(["head"] if heads else []), "%", "class"]
    table = table_of([*names, *(["label"] if labels else [])], rows)
    for column in table.columns:
        if column.header in {"head", "label"}:
            column.justify = "left"
    print_table(table, [f"by {weights}"], output)


def _as_csv(said: "Sequence[Prediction]", labels: Sequence[str]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "head", "rank", "class", "label", "probability"])
    for image, head, rank, guess, label in _rows(said, labels):
        writer.writerow([image, head, rank, guess.category, label, guess.probability])
    return text.getvalue()


def _as_json(
    trained: "TrainedModel",
    said: "Sequence[Prediction]",
    unread: "Sequence[UnreadableImage]",
    labels: Sequence[str],
) -> str:
    images: list[dict[str, Any]] = [
        {
            "image": prediction.image,
            "heads": {
                head: [
                    {"class": guess.category, "label": label or None}
                    | {"probability": guess.probability}
                    for _, _, _, guess, label in _rows(
                        [prediction._replace(heads={head: guesses})], labels
                    )
                ]
                for head, guesses in prediction.heads.items()
            },
        }
        for prediction in said
    ]
    data = {
        "version": VERSION,
        "spec": trained.name,
        "weights": str(trained.weights),
        "images": images,
        "unreadable": [each._asdict() for each in unread],
    }
    return json.dumps(data, indent=2) + "\n"
