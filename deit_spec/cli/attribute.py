"""`deit-spec attribute`: what a model looks at in images."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from deit_spec.cli import model_options
from deit_spec.cli.options import format_option, option, output_option
from deit_spec.cli.output import emit, emit_json, fail, report
from deit_spec.diagnostics.printable import reason_of, visible
from deit_spec.recipe.run_files import HEADS as HEAD_NAMES

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image
    from torch import Tensor, nn

    from deit_spec.attention.attention_maps import AttentionReader, Token
    from deit_spec.distill.prediction import RankedClass, UnreadableImage
    from deit_spec.distill.trained_model import TrainedModel
    from deit_spec.model.preprocessing import Preprocessing

VERSION = 1
"""Of the JSON format; it grows when a key is removed or changes its meaning."""
PREDICTED = "predicted"
TOKEN_NAMES = {"cls": "class token", "dist": "distillation token"}


Method: TypeAlias = Literal["attention", "rollout", "gradient-attention"]
Tokens: TypeAlias = Literal["cls", "dist", "both"]
Joined: TypeAlias = Literal["mean", "max", "all"]
MapFormat: TypeAlias = Literal["png", "npz", "json"]


@dataclass(frozen=True)
class _Settings:
    """What is the same for all images."""

    trained: "TrainedModel"
    names: Sequence[str]
    reader: "AttentionReader"
    tokens: "tuple[Token, ...]"
    category: int | None
    preprocessing: "Preprocessing"
    device: str
    batch_size: int


@dataclass(frozen=True)
class _Result:
    """The maps of an image, its predictions, and the region that they cover."""

    image: str
    maps: "dict[Token, np.ndarray[Any, Any]]"
    guesses: "dict[str, RankedClass]"
    original: "Image.Image"
    region: tuple[float, float, float, float]


def run(  # noqa: PLR0913  -- each is an option of the command
    model: model_options.ModelArgument,
    images: model_options.ImagesArgument,
    output: Annotated[
        Path | None,
        output_option("DIR", "Write into DIR instead of the current folder."),
    ] = None,
    *,
    weights: model_options.WeightsOption = None,
    method: Annotated[Method, option("--method", "How a map is made.")] = "attention",
    token: Annotated[
        Tokens | None,
        option(
            "--token",
            "The token whose attention is shown; by default both if the model has two.",
        ),
    ] = None,
    class_: Annotated[
        str,
        option(
            "--class",
            "The class that gradient-attention explains: its index, its name, or the "
            "one that the head of the token predicts.",
            metavar="N|NAME|predicted",
        ),
    ] = PREDICTED,
    block: Annotated[
        int,
        option(
            "--block",
            "The block of attention, and the last one of the other methods; -1 is the "
            "last of the model.",
            metavar="N",
        ),
    ] = -1,
    heads: Annotated[
        Joined, option("--heads", "How the heads of a block are joined.")
    ] = "mean",
    sheet: Annotated[
        bool, typer.Option("--sheet", help="Draw all blocks and heads on one page.")
    ] = False,
    evaluate: Annotated[
        bool,
        typer.Option(
            "--evaluate",
            help="Print the insertion and deletion scores of the maps instead of "
            "writing them.",
        ),
    ] = False,
    labels: model_options.LabelsOption = None,
    recipe: model_options.RecipeOption = None,
    crop: model_options.CropOption = None,
    batch_size: model_options.BatchOption = 8,
    device: model_options.DeviceOption = None,
    format_: Annotated[
        MapFormat,
        format_option("The format of the maps; --evaluate prints a table or JSON."),
    ] = "png",
) -> None:
    """Show what a model looks at: draw its attention over images.

    Write a file for each image, and print their names. Exit with 1 if an image cannot
    be read.
    """
    from deit_spec.attention.attention_maps import TOKENS, AttentionReader
    from deit_spec.attention.image_maps import class_index
    from deit_spec.distill.optional_packages import require_packages
    from deit_spec.distill.trained_model import best_device

    if sheet and method != "attention":
        fail(f"--sheet shows attention, not {method}")
    if sheet and format_ != "png":
        fail(f"--sheet is a picture, not {format_}")
    if evaluate and (output is not None or sheet or heads == "all"):
        fail("--evaluate writes no maps, so it is without -o, --sheet and --heads all")
    if evaluate and format_ == "npz":
        fail("--evaluate prints a table or JSON, not npz")
    if class_ != PREDICTED and method != "gradient-attention":
        fail(f"--class needs --method gradient-attention, not {method}")
    trained = model_options.open_model(model, weights, recipe)
    names = model_options.class_names(trained, labels)
    spec = trained.spec
    tokens = _tokens(token, TOKENS[: spec.num_prefix_tokens])
    paths, note = model_options.image_paths(images)
    device = device or best_device()
    with model_options.model_errors():
        require_packages("heat maps", "matplotlib")
        preprocessing = trained.preprocessing(recipe, crop)
        loaded = trained.load(device, report)
    with _usage_errors():
        category = None
        if class_ != PREDICTED:
            category = class_index(class_, names, spec.num_classes or 0)
        reader = AttentionReader(
            spec,
            loaded,
            method=method,
            block=None if sheet else block,
            heads="all" if sheet else heads,
        )
    settings = _Settings(
        *(trained, names, reader, tokens, category),
        *(preprocessing, device, batch_size),
    )
    unreadable: list[UnreadableImage] = []
    if evaluate:
        _evaluate(settings, loaded, paths, unreadable, in_json=format_ == "json")
    else:
        _write(settings, paths, unreadable, output or Path(), format_)
    model_options.report_unread(unreadable, note)


def _tokens(
    wanted: Tokens | None, available: "tuple[Token, ...]"
) -> "tuple[Token, ...]":
    """The tokens of an option, or exit if the model lacks them."""
    if wanted in {"dist", "both"} and "dist" not in available:
        fail(f"--token is {wanted}, but the model has no distillation token")
    if wanted is None or wanted == "both":
        return available
    return (wanted,)


@contextmanager
def _usage_errors() -> Iterator[None]:
    """Report a missing part of a model, such as a class, and exit with 2."""
    try:
        yield
    except ValueError as error:
        fail(str(error))


def _batches(
    settings: _Settings, paths: Sequence[Path], unreadable: "list[UnreadableImage]"
) -> "Iterator[tuple[list[str], Tensor]]":
    from deit_spec.distill.prediction import read_inputs

    return read_inputs(
        paths,
        settings.preprocessing,
        unreadable,
        batch_size=settings.batch_size,
        device=settings.device,
    )


def _write(
    settings: _Settings,
    paths: Sequence[Path],
    unreadable: "list[UnreadableImage]",
    folder: Path,
    form: MapFormat,
) -> None:
    """Write a file for each image."""
    from PIL import Image

    from deit_spec.distill.prediction import most_likely
    from deit_spec.model.image_transform import CentralCrop, decode

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f"cannot create {folder}: {reason_of(error)}")
    kind = settings.reader.method if settings.reader.is_single else "sheet"
    taken, crop = Counter[str](), CentralCrop(settings.preprocessing)
    for names, inputs in _batches(settings, paths, unreadable):
        with _usage_errors():
            found = settings.reader.read(inputs, settings.tokens, settings.category)
        answers = most_likely(found.output, settings.trained.spec.fusion, 1)
        for index, (name, heads) in enumerate(zip(names, answers, strict=True)):
            maps = {
                token: each[index].cpu().numpy() for token, each in found.maps.items()
            }
            guesses = {head: best for head, (best,) in heads.items()}
            with Image.open(name) as opened:  # upright, in grey or RGB
                is_grey = opened.mode.startswith(("1", "L", "I"))
                original = decode(opened, 1 if is_grey else 3)
            region = crop.region(original.size)
            result = _Result(name, maps, guesses, original, region)
            stem = Path(name).stem
            taken[stem] += 1
            # Images of the same name, from several folders, are numbered.
            number = f"-{taken[stem]}" if taken[stem] > 1 else ""
            path = folder / f"{stem}{number}.{kind}.{form}"
            if form == "json":
                emit_json(_as_json(settings, result), path)
            elif form == "npz":
                emit(_as_npz(result), path)
            else:
                emit(_as_png(settings, result), path)
            typer.echo(visible(str(path)))


def _evaluate(
    settings: _Settings,
    model: "nn.Module",
    paths: Sequence[Path],
    unreadable: "list[UnreadableImage]",
    *,
    in_json: bool,
) -> None:
    """Print the mean insertion and deletion scores of each token."""
    from deit_spec.attention.attribution_scores import mean_scores
    from deit_spec.cli.tables import print_table, table_of

    batches = (inputs for _, inputs in _batches(settings, paths, unreadable))
    with _usage_errors():
        scores, count = mean_scores(
            model, settings.reader, batches, settings.tokens, settings.category
        )
    if not count:
        return
    if in_json:
        data = {token: each._asdict() for token, each in scores.items()}
        emit_json({**_options(settings), "images": count, "scores": data}, None)
        return
    rows = [
        [TOKEN_NAMES[token], *(f"{score:.4f}" for score in each)]
        for token, each in scores.items()
    ]
    below = [
        f"method: {settings.reader.method}, images: {count:,}",
        f"model: {settings.trained.weights}",
    ]
    print_table(table_of(["token", "insertion", "deletion"], rows), below, None)


def _options(settings: _Settings) -> dict[str, Any]:
    """What made the maps, in JSON."""
    reader = settings.reader
    return {
        "version": VERSION,
        "spec": settings.trained.name,
        "weights": str(settings.trained.weights),
        "method": reader.method,
        "block": reader.blocks[-1],
        "heads": reader.heads,
        "class": settings.category,
    }


def _as_png(settings: _Settings, result: _Result) -> bytes:
    from deit_spec.attention.heat_map import (
        Panel,
        difference,
        draw_heat_maps,
        draw_sheet,
    )

    caption = f"{visible(Path(result.image).name)}\n{_caption(settings, result)}"
    titled = {TOKEN_NAMES[token]: each for token, each in result.maps.items()}
    if not settings.reader.is_single:
        return draw_sheet(result.original, result.region, titled, caption)
    panels = []
    for title, values in titled.items():
        if values.ndim == 2:  # noqa: PLR2004  -- one map of all heads
            panels.append(Panel(title, values))
        else:
            panels += [
                Panel(f"{title}, head {head}", each) for head, each in enumerate(values)
            ]
    if len(panels) == len(TOKEN_NAMES) == len(titled):
        gap = difference(*titled.values())
        panels.append(Panel("distillation - class", gap, is_difference=True))
    return draw_heat_maps(result.original, result.region, panels, caption)


def _caption(settings: _Settings, result: _Result) -> str:
    """The prediction of each head."""
    parts = []
    for head, (category, probability) in result.guesses.items():
        name = _label(settings, category)
        shown = str(category) if name is None else visible(name)
        parts.append(f"{HEAD_NAMES[head]}: {shown} ({100 * probability:.1f} %)")
    if settings.reader.method == "gradient-attention" and settings.category is not None:
        name = _label(settings, settings.category)
        parts.append(f"explained: {name or settings.category}")
    return " · ".join(parts)


def _label(settings: _Settings, category: int) -> str | None:
    return settings.names[category] if category < len(settings.names) else None


def _as_npz(result: _Result) -> bytes:
    import numpy as np

    buffer = BytesIO()
    np.savez(buffer, **result.maps, region=np.array(result.region))  # type: ignore[arg-type]
    return buffer.getvalue()


def _as_json(settings: _Settings, result: _Result) -> dict[str, Any]:
    return {
        **_options(settings),
        "image": result.image,
        "size": [*result.original.size],
        "region": [*result.region],
        "predictions": {
            head: {
                "class": category,
                "label": _label(settings, category),
                "probability": probability,
            }
            for head, (category, probability) in result.guesses.items()
        },
        "maps": {token: each.tolist() for token, each in result.maps.items()},
    }
