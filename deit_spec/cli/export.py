"""`deit-spec export`: write a model as the file that ships."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from deit_spec.cli import model_options
from deit_spec.cli.options import (
    DropUnreadOption,
    MergeTokensOption,
    TapOption,
    TextFormat,
    UntilOption,
    format_option,
    option,
)
from deit_spec.cli.output import (
    cleanup_on_sigterm,
    emit_json,
    fail,
    is_file,
    refuse_input,
    report,
)
from deit_spec.cost.units import short_bytes
from deit_spec.diagnostics.printable import reason_of, visible

if TYPE_CHECKING:
    from deit_spec.exporting.export_model import ExportResult

VERSION = 1
"""Of the JSON format; it grows when a key is removed or changes its meaning."""


Format: TypeAlias = Literal["onnx", "pt2", "openvino"]
Input: TypeAlias = Literal["float", "uint8"]
Layout: TypeAlias = Literal["nchw", "nhwc"]
Precision: TypeAlias = Literal["fp32", "bf16", "int8"]
Output: TypeAlias = Literal["logits", "probabilities", "topk"]

DYNAMIC = "dynamic"
TOPK = 5


def batch_size(text: str) -> int | None:
    """Read a batch size, or `dynamic`."""
    if text == DYNAMIC:
        return None
    if not text.isdecimal() or not int(text):
        raise typer.BadParameter(f"{text!r} is neither {DYNAMIC} nor a number above 0")
    return int(text)


def share(text: str) -> float:
    """Read a share from 0 to 1, or a percentage: `0.99`, or `99%`."""
    try:
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        found = 0.0
    if not 0 < found <= 1:
        raise typer.BadParameter(f"{text!r} is not a share such as 0.99 or 99%")
    return found


def run(  # noqa: PLR0913  -- each is an option of the command
    model: model_options.ModelArgument,
    path: Annotated[
        Path,
        typer.Option(
            "-o",
            metavar="FILE",
            help="The file to write: .onnx, .pt2, or .xml for OpenVINO.",
            dir_okay=False,
        ),
    ],
    *,
    weights: model_options.WeightsOption = None,
    to: Annotated[
        Format | None,
        option("--to", "The format; by default that of the extension of FILE."),
    ] = None,
    input_: Annotated[
        Input,
        option(
            "--input",
            "Take normalised images, or pixels from 0 to 255 that the file normalises.",
        ),
    ] = "float",
    layout: Annotated[
        Layout,
        option("--layout", "The dimensions of the input: channels first or last."),
    ] = "nchw",
    output: Annotated[
        Output,
        option("--output", "What to return; topk are probabilities and classes."),
    ] = "logits",
    k: Annotated[
        int | None,
        option(
            "--k",
            f"The number of classes of topk, by default {TOPK}.",
            metavar="N",
            min=1,
        ),
    ] = None,
    precision: Annotated[
        Precision,
        option("--precision", "The precision of the weights and the computation."),
    ] = "fp32",
    calibrate: Annotated[
        str | None,
        option(
            "--calibrate",
            "Measure the ranges of activations for int8 on the images in a folder or "
            "a Hugging Face dataset; by default OpenVINO uses the images that the run "
            "was trained on, and ONNX Runtime each batch.",
            metavar="DIR|DATASET",
        ),
    ] = None,
    batch: Annotated[
        Any,
        option(
            "--batch",
            "A fixed batch size up to 1024, or dynamic.",
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
    check: Annotated[
        str | None,
        option(
            "--check",
            "Compare the file with the model on the images in a folder or in a Hugging "
            "Face dataset; by default on those that the run has held out, or else on "
            "random ones.",
            metavar="digits|DIR|DATASET",
        ),
    ] = None,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Do not compare the file with the model.")
    ] = False,
    require: Annotated[
        Any,
        option(
            "--require",
            "Write the file only if the most likely class is that of the model for "
            "this share of the images, such as 0.99 or 99%, and in float32 the largest "
            "error is below 1e-4.",
            metavar="AGREEMENT",
            parser=share,
        ),
    ] = None,
    report_format: Annotated[
        TextFormat, format_option("The format of the report on the file.")
    ] = TextFormat.TEXT,
) -> None:
    """Export a model to a file that another runtime opens."""
    from deit_spec.exporting import check_images, export_model
    from deit_spec.exporting.export_options import ExportOptions
    from deit_spec.model.exported_file import files_of_export
    from deit_spec.model.model_folder import assumed_preprocessing

    if not is_file(path):
        fail("-o - is standard output; export writes a file, such as model.onnx")
    try:
        format_ = export_model.format_of(path, to)
    except ValueError as error:
        hint = "; or use --to" if to is None else ""
        fail(f"cannot write {path}: {error}{hint}")
    _refuse(
        {
            "--no-check cannot be used with --check": no_check and check,
            "--no-check cannot be used with --require": no_check and require,
            "--calibrate is for --precision int8": calibrate and precision != "int8",
            "--opset is for ONNX files": opset and format_.value != "onnx",
            "--k is for --output topk": k and output != "topk",
        }
    )
    trained = model_options.open_model(model, weights, recipe)
    names = model_options.class_names(trained, labels)
    refuse_input(*files_of_export(path))
    try:
        options = ExportOptions(
            input=input_,
            layout=layout,
            output=output,
            k=k or TOPK,
            precision=precision,
            batch=batch,
            opset=opset,
            drop_unread=drop_unread,
            taps=tuple(tap) if tap else None,
            until=until,
            merge_tokens=merge_tokens,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    with model_options.model_errors(), cleanup_on_sigterm():
        preprocessing = trained.preprocessing(recipe, crop)
        if recipe is None and trained.own_preprocessing() is None:
            report([assumed_preprocessing(trained.weights, preprocessing)])
        images = None
        if not no_check:
            find = check_images.find_check_images
            images = find(trained, preprocessing, check)
            for warning in images.warnings:
                typer.echo(visible(f"warning: {warning}"), err=True)
        try:
            result = export_model.export_trained(
                trained,
                path,
                format_,
                options,
                preprocessing=preprocessing,
                classes=names or None,
                images=images,
                require=require,
                calibrate=calibrate,
                report=report,
            )
        except OSError as error:
            fail(f"cannot write {path}: {reason_of(error)}")
    lines = [f"wrote {path}: {short_bytes(result.size)}"]
    lines += [] if result.check is None else result.check.lines
    for line in lines:
        typer.echo(visible(line), err=True)
    if report_format is TextFormat.JSON:
        emit_json(_as_json(result), None)


def _refuse(wrong: Mapping[str, object]) -> None:
    """Exit with the first message whose value is true: options that do not fit."""
    for message, found in wrong.items():
        if found:
            fail(message)


def _as_json(result: "ExportResult") -> dict[str, Any]:
    return {
        "version": VERSION,
        "files": [str(each) for each in result.files],
        "format": result.format.value,
        "bytes": result.size,
        "interface": asdict(result.interface),
        "check": None if result.check is None else result.check.as_json,
    }
