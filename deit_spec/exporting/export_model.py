"""Export a trained model to the file that ships."""

import os
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

from deit_spec.atomic_write import atomic_write
from deit_spec.diagnostics import (
    DiagnosedError,
    Diagnostic,
    Label,
    Span,
    diagnose,
    has_errors,
)
from deit_spec.distill.trained_model import TrainedModel, find_model
from deit_spec.exporting.calibration_images import (
    CalibrationImages,
    find_calibration_images,
)
from deit_spec.exporting.check_images import CheckImages, find_check_images
from deit_spec.exporting.export_check import (
    ExportCheck,
    ExportCheckError,
    check_export,
)
from deit_spec.exporting.export_options import ExportOptions, OutputChoice
from deit_spec.exporting.onnx_file import write_onnx
from deit_spec.exporting.openvino_file import write_openvino
from deit_spec.exporting.prepared_model import PreparedModel, prepare
from deit_spec.exporting.pt2_file import write_pt2
from deit_spec.loading import issue_warnings
from deit_spec.model.exported_interface import (
    ExportedInterface,
    InputKind,
    Layout,
    Precision,
)
from deit_spec.model.preprocessing import Preprocessing, preprocessing_of

Writer: TypeAlias = Callable[[PreparedModel, Path], None]
Report: TypeAlias = Callable[[Sequence[Diagnostic]], object]


class ExportFormat(Enum):
    """The formats of exported files."""

    ONNX = "onnx"
    PT2 = "pt2"
    OPENVINO = "openvino"


SUFFIXES: Final = {
    ExportFormat.ONNX: ".onnx",
    ExportFormat.PT2: ".pt2",
    ExportFormat.OPENVINO: ".xml",
}
"""The extension of each format, by which a file is opened."""
_WRITERS: Final[dict[ExportFormat, Writer]] = {
    ExportFormat.ONNX: write_onnx,
    ExportFormat.PT2: write_pt2,
    ExportFormat.OPENVINO: write_openvino,
}
_REFUSED: Final[dict[tuple[ExportFormat, Precision], tuple[str, str]]] = {
    (ExportFormat.ONNX, "bf16"): (
        "ONNX Runtime cannot run convolutions in bfloat16 on a CPU",
        "use `--precision int8`, or `--to openvino` or `--to pt2` for bfloat16",
    ),
    (ExportFormat.PT2, "int8"): (
        "torch alone runs int8 on a CPU more slowly than float32",
        "use `--precision bf16`, or `--to onnx` or `--to openvino` for int8",
    ),
}
"""Precisions that a format does not have: the reason, and what to use instead."""


@dataclass(frozen=True)
class ExportResult:
    """What was exported.

    Attributes:
        path: The file, which others may be beside.
        format: Its format.
        interface: What it takes and returns.
        files: All files that were written.
        size: The number of their bytes.
        check: The comparison with the model; None if there was none.
    """

    path: Path
    format: ExportFormat
    interface: ExportedInterface
    files: tuple[Path, ...]
    size: int
    check: ExportCheck | None


def export(  # noqa: PLR0913  -- one argument per option
    model: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    weights: str | os.PathLike[str] | None = None,
    to: str | None = None,
    input: InputKind = "float",  # noqa: A002  -- as on the command line
    layout: Layout = "nchw",
    output: OutputChoice = "logits",
    k: int = 5,
    precision: Precision = "fp32",
    calibrate: str | os.PathLike[str] | None = None,
    batch: int | None = None,
    opset: int | None = None,
    drop_unread: bool | None = None,
    taps: Sequence[str] | None = None,
    until: str | None = None,
    merge_tokens: int | Sequence[int] | None = None,
    check: str | os.PathLike[str] | bool = True,
    require: float | None = None,
) -> ExportResult:
    """Export a model to a file that another runtime opens.

    Spec, preprocessing and class names are in the metadata of the file. It is opened in
    its own runtime and compared with the model; the result is `ExportResult.check`.
    Warnings about the model are issued as UserWarning.

    Args:
        model: What `load_model` takes or, with `weights`, a spec.
        path: The file to write. Its extension, `.onnx`, `.pt2` or `.xml`, determines
            the format.
        weights: A checkpoint with the weights of a spec.
        to: The format for another extension: `onnx`, `pt2` or `openvino`.
        input: `float`: normalised images in float32. `uint8`: pixels from 0 to 255.
        layout: `nchw`: images `[B, C, S, S]`. `nhwc`: images `[B, S, S, C]`.
        output: `logits`, `probabilities`, or `topk`: the most likely classes.
        k: The number of classes of `topk`.
        precision: `fp32`, `bf16` or `int8`.
        calibrate: A folder of images, or a Hugging Face dataset, on which the ranges of
            activations are measured for int8. Without it, those of ONNX are measured in
            each run, and those of OpenVINO on the images that the run was trained on.
        batch: The batch size, from 1 to 1024; None for a dynamic one.
        opset: The opset of ONNX; by default the newest one that the installed runtime
            supports.
        drop_unread: As in `compile`, with the target `inference`.
        taps: As in `compile`.
        until: As in `compile`.
        merge_tokens: As in `compile`.
        check: A folder of images or a Hugging Face dataset to compare on. True: the
            images that the run has held out, else random ones. False: no comparison.
        require: The share of images, from 0 to 1, for which the most likely class must
            be the same, or nothing is written.

    Raises:
        DiagnosedError: The model cannot be used, or cannot be exported like this.
        ModelError: There is no such model, or it has no weights or no class head.
        MissingPackageError: The packages of the format are not installed.
        TypeError: `taps` is a string.
        ValueError: An option is unknown, or `require` is not a share.
        OSError: The file cannot be written.
    """
    if isinstance(taps, str):
        raise TypeError(f"taps must be a sequence of strings, not the string {taps!r}")
    options = ExportOptions(
        input=input,
        layout=layout,
        output=output,
        k=k,
        precision=precision,
        batch=batch,
        opset=opset,
        drop_unread=drop_unread,
        taps=None if taps is None else tuple(taps),
        until=until,
        merge_tokens=merge_tokens,
    )
    if require is not None and not 0 < require <= 1:
        raise ValueError(f"require must be a share from 0 to 1, not {require}")
    if require is not None and check is False:
        raise ValueError("require needs a check")
    format_ = format_of(Path(path), to)
    if calibrate is not None and precision != "int8":
        raise ValueError(f"calibrate is for int8, not for {precision}")
    if opset is not None and format_ is not ExportFormat.ONNX:
        raise ValueError(f"opset is for ONNX files, not for {Path(path).name}")
    trained = find_model(str(model), None if weights is None else Path(weights))
    preprocessing = trained.own_preprocessing() or preprocessing_of(trained.spec)
    images = None
    if check is not False:
        where = None if check is True else os.fspath(check)
        images = find_check_images(trained, preprocessing, where)
        for each in images.warnings:
            warnings.warn(each, stacklevel=2)
    return export_trained(
        trained,
        Path(path),
        format_,
        options,
        preprocessing=preprocessing,
        classes=trained.class_names(),
        images=images,
        require=require,
        calibrate=None if calibrate is None else str(calibrate),
        report=issue_warnings,
    )


def format_of(path: Path, to: str | None = None) -> ExportFormat:
    """The format with the name `to`, or the one for the extension of a file.

    Raises:
        ValueError: There is none.
    """
    if to == ExportFormat.OPENVINO.value and path.suffix.lower() != ".xml":
        raise ValueError(f"the extension for OpenVINO is .xml, not {path.suffix!r}")
    if to is not None:
        return ExportFormat(to)
    for format_, suffix in SUFFIXES.items():
        if suffix == path.suffix.lower():
            return format_
    names = ", ".join(SUFFIXES.values())
    raise ValueError(f"the extension must be one of {names}, not {path.suffix!r}")


def export_trained(  # noqa: PLR0913  -- the parts of a model, and where it goes
    trained: TrainedModel,
    path: Path,
    format_: ExportFormat,
    options: ExportOptions,
    *,
    preprocessing: Preprocessing,
    classes: Sequence[str] | None,
    images: CheckImages | None = None,
    require: float | None = None,
    calibrate: str | None = None,
    report: Report = lambda _: None,
) -> ExportResult:
    """Export a trained model with these other parts.

    The files are written to a temporary folder beside `path`, compared with the model
    on `images`, and then moved. `require` is the lowest share of the images that must
    have the same most likely class. `calibrate` is as in `export`.

    Raises:
        DiagnosedError: The model cannot be used, or cannot be exported like this.
        MissingPackageError: The packages of the format are not installed.
        OSError: The file cannot be written.
    """
    _require_precision(path, format_, options.precision)
    measured = None
    if calibrate or (options.precision, format_) == ("int8", ExportFormat.OPENVINO):
        measured = find_calibration_images(trained, preprocessing, calibrate, path)
    with TemporaryDirectory(dir=path.parent, prefix=".deit-spec-") as folder:
        prepared = prepare(
            trained,
            options,
            preprocessing=preprocessing,
            classes=classes,
            report=report,
        )
        if measured is not None:
            calibration = CalibrationImages(
                measured, preprocessing, prepared.interface, path
            )
            prepared = replace(prepared, calibration=calibration)
        written = Path(folder) / f"{path.stem}{SUFFIXES[format_]}"
        _WRITERS[format_](prepared, written)
        if prepared.calibration is not None:
            report(prepared.calibration.findings())
        check = None
        if images is not None:
            check = check_export(written, path, prepared, images)
            if has_errors(found := check.findings(path, require)):
                raise ExportCheckError(found)
            report(found)
        others = {*written.parent.iterdir()} - {written}
        places = {written: path} | {each: path.with_name(each.name) for each in others}
        size = sum(file.stat().st_size for file in places)
        _copy(places)
    files = tuple(places.values())
    return ExportResult(path, format_, prepared.interface, files, size, check)


def _copy(places: Mapping[Path, Path]) -> None:
    """Copy files to their places, as `atomic_write` does: all of them or none."""
    with ExitStack() as stack:
        for file, place in places.items():
            copy = stack.enter_context(atomic_write(place))
            with file.open("rb") as source:
                shutil.copyfileobj(source, copy)
            copy.flush()


def _require_precision(path: Path, format_: ExportFormat, precision: Precision) -> None:
    """DS609: check that the format has the precision."""
    if (format_, precision) in _REFUSED:
        message, instead = _REFUSED[format_, precision]
        place = Label(Span.of_file(path))
        raise DiagnosedError([diagnose("DS609", message, place, helps=[instead])])
