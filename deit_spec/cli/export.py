"""`deit-spec export`: write a model as the file that ships."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from deit_spec.cli import model_options
from deit_spec.cli.options import (
    DropUnreadOption,
    MergeTokensOption,
    TapOption,
    UntilOption,
    option,
)
from deit_spec.cli.output import fail, refuse_input, report
from deit_spec.cost.units import short_bytes
from deit_spec.diagnostics.printable import reason_of, visible


class ExportFormat(Enum):
    """Formats of exported files."""

    ONNX = "onnx"
    PT2 = "pt2"


class Input(Enum):
    """What an exported file takes."""

    FLOAT = "float"
    UINT8 = "uint8"


class Layout(Enum):
    """The order of the dimensions of images."""

    NCHW = "nchw"
    NHWC = "nhwc"


class Output(Enum):
    """What an exported file returns."""

    LOGITS = "logits"
    PROBABILITIES = "probabilities"
    TOPK = "topk"


DYNAMIC = "dynamic"


def batch_size(text: str) -> int | None:
    """Read a batch size, or `dynamic`."""
    if text == DYNAMIC:
        return None
    if not text.isdecimal() or not int(text):
        raise typer.BadParameter(f"{text!r} is neither {DYNAMIC} nor a number above 0")
    return int(text)


def run(  # noqa: PLR0913  -- each is an option of the command
    model: model_options.ModelArgument,
    path: Annotated[
        Path,
        typer.Option(
            "-o",
            metavar="FILE",
            help="The file to write: .onnx or .pt2.",
            dir_okay=False,
        ),
    ],
    *,
    weights: model_options.WeightsOption = None,
    to: Annotated[
        ExportFormat | None,
        option("--to", "The format; by default that of the extension of FILE."),
    ] = None,
    input_: Annotated[
        Input,
        option(
            "--input",
            "Take normalised images, or pixels from 0 to 255 that the file normalises.",
        ),
    ] = Input.FLOAT,
    layout: Annotated[
        Layout,
        option("--layout", "The dimensions of the input: channels first or last."),
    ] = Layout.NCHW,
    output: Annotated[
        Output,
        option("--output", "What to return; topk are probabilities and classes."),
    ] = Output.LOGITS,
    k: Annotated[
        int, option("--k", "The number of classes of topk.", metavar="N", min=1)
    ] = 5,
    batch: Annotated[
        Any,
        option(
            "--batch",
            "A fixed batch size, or dynamic for 1 to 1024.",
            metavar="N",
            parser=batch_size,
            show_default=DYNAMIC,
        ),
    ] = DYNAMIC,
    opset: Annotated[
        int | None,
        option(
            "--opset",
            "The opset of ONNX; by default 23, or 20 for an older ONNX Runtime.",
            metavar="N",
            min=18,
            max=23,
        ),
    ] = None,
    drop_unread: DropUnreadOption = None,
    tap: TapOption = None,
    until: UntilOption = None,
    merge_tokens: MergeTokensOption = None,
    labels: model_options.LabelsOption = None,
    recipe: model_options.RecipeOption = None,
    crop: model_options.CropOption = None,
) -> None:
    """Export a model to ONNX or torch.export, with all it needs to be used."""
    from deit_spec.export import export_model
    from deit_spec.export.export_options import ExportOptions

    try:
        format_ = export_model.format_of(path, to and to.value)
    except ValueError as error:
        fail(f"cannot write {path}: {error}; or use --to")
    trained = model_options.open_model(model, weights, recipe)
    names = model_options.class_names(trained, labels)
    refuse_input(path)
    options = ExportOptions(
        input=input_.value,
        layout=layout.value,
        output=output.value,
        k=k,
        batch=batch,
        opset=opset,
        drop_unread=drop_unread,
        taps=tuple(tap) if tap else None,
        until=until,
        merge_tokens=merge_tokens,
    )
    with model_options.model_errors():
        try:
            result = export_model.export_trained(
                trained,
                path,
                format_,
                options,
                preprocessing=trained.preprocessing(recipe, crop),
                classes=names or None,
                report=report,
            )
        except OSError as error:
            fail(f"cannot write {path}: {reason_of(error)}")
    text = f"wrote {path}: {short_bytes(result.size)}"
    typer.echo(visible(text), err=True)
