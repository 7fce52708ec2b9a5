"""The candidates of a benchmark: a model in a runtime, a precision and a batch size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import torch
from torch import Tensor, nn

from deit_spec.diagnostics.printable import first_line_of
from deit_spec.distill.exported_model import predicted_classes
from deit_spec.distill.trained_model import ModelError, TrainedModel
from deit_spec.exporting.export_model import SUFFIXES, ExportFormat, export_trained
from deit_spec.exporting.export_options import ExportOptions
from deit_spec.graph import Target
from deit_spec.model.exported_file import files_of_export
from deit_spec.model.exported_interface import ExportedInterface, Precision
from deit_spec.model.preprocessing import Preprocessing
from deit_spec.passes import PassOptions
from deit_spec.pipeline import SpecError, compile_checked
from deit_spec.runtime.exported_module import ExportedModule
from deit_spec.spec import with_merge_tokens

Runtime: TypeAlias = Literal["eager", "compile", "onnxruntime", "openvino"]
Merged: TypeAlias = int | tuple[int, ...]
"""The number of patches that merge in every block, or a number for each block."""

RUNTIMES: Final = get_args(Runtime)
PRECISIONS: Final = get_args(Precision)
_FORMATS: Final = {
    "onnxruntime": ExportFormat.ONNX,
    "openvino": ExportFormat.OPENVINO,
}
"""The formats of the runtimes that open files."""
_DTYPES: Final = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Combination:
    """What a candidate is measured for."""

    runtime: Runtime
    precision: Precision
    merge_tokens: Merged
    batch: int

    def __str__(self) -> str:
        """Name it, as `eager fp32, batch of 8`."""
        return f"{self.runtime} {self.precision}, batch of {self.batch:,}"


@dataclass(frozen=True)
class Choices:
    """The values whose combinations are measured."""

    runtimes: Sequence[Runtime]
    precisions: Sequence[Precision]
    merge_tokens: Sequence[Merged]
    batches: Sequence[int]

    def combinations(self) -> list[Combination]:
        """All combinations; those of one batch size follow each other."""
        found = product(self.batches, self.runtimes, self.precisions, self.merge_tokens)
        return [
            Combination(runtime, precision, merged, batch)
            for batch, runtime, precision, merged in found
        ]


@dataclass
class Candidate:
    """A model that is measured.

    Attributes:
        combination: What it is.
        device: Where its inputs are.
        open: Opens it as a module from normalised images `[B, C, S, S]` to logits
            `[B, K]`; it can be pickled.
        files: What `write` writes, which `open` opens; nothing for torch.
        write: Writes the files.
    """

    combination: Combination
    device: torch.device
    open: Callable[[], nn.Module]
    files: tuple[Path, ...] = ()
    write: Callable[[], object] = field(default=lambda: None, repr=False)
    _module: nn.Module | None = field(default=None, init=False, repr=False)

    def prepare(self) -> None:
        """Open the model, so that it can run; its files must have been written."""
        self._module = self.open()

    @torch.inference_mode()
    def run(self, images: Tensor) -> Tensor:
        """Return the logits `[B, K]` of images `[B, C, S, S]` that are on the device.

        They are complete: a GPU has ended its work.
        """
        assert self._module is not None  # noqa: S101  -- see `prepare`
        logits: Tensor = self._module(images)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return logits

    @property
    def size(self) -> int:
        """The bytes of its files; for torch those of its weights."""
        if self.files:
            return sum(file.stat().st_size for file in self.files)
        assert self._module is not None  # noqa: S101  -- see `prepare`
        return sum(tensor.nbytes for tensor in self._module.state_dict().values())


class InPrecision(nn.Module):
    """A model whose weights and computation have a precision."""

    def __init__(self, model: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.model, self.dtype = model.to(dtype), dtype

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits `[B, K]` in float32."""
        logits: Tensor = self.model(images.to(self.dtype))
        return logits.float()


def open_torch(
    trained: TrainedModel, combination: Combination, device: torch.device
) -> nn.Module:
    """Build a model for inference with its weights, and compile it if it is to be.

    Raises:
        SpecError: `merge_tokens` does not fit the model.
        WeightsError: The weights cannot be read or do not fit.
        ValueError: torch does not support the precision.
    """
    dtype = _DTYPES.get(combination.precision)
    if dtype is None:
        raise ValueError(f"torch does not compute in {combination.precision}")
    checked = with_merge_tokens(trained.checked, combination.merge_tokens)
    if checked.spec is None:
        raise SpecError(checked.diagnostics)
    passes = PassOptions(taps=(), prediction="logits")
    compiled = compile_checked(checked, Target.INFERENCE, passes)
    model = InPrecision(trained.load_compiled(compiled), dtype).to(device).eval()
    if combination.runtime == "compile":
        # A benchmark runs one batch size, for which dynamic shapes would be slower.
        return torch.compile(model, fullgraph=True, dynamic=False)  # type: ignore[return-value]
    return model


def usable_device(name: str) -> torch.device:
    """The torch device with a name.

    Raises:
        ModelError: It cannot be used.
    """
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # torch raises both
        reason = first_line_of(error)
        raise ModelError(f"cannot use the device {name}: {reason}") from None


def torch_candidate(
    trained: TrainedModel, combination: Combination, device: torch.device
) -> Candidate:
    """A candidate of `eager` or `compile`."""
    opened = partial(open_torch, trained, combination, device)
    return Candidate(combination, device, opened)


@dataclass(frozen=True)
class Exporter:
    """Makes the candidates that open exported files.

    Attributes:
        trained: The model.
        preprocessing: How its images are prepared.
        folder: Where the files are written.
        calibrate: The images to calibrate with for int8, as those of an export.
        threads: The number of threads of a runtime.
    """

    trained: TrainedModel
    preprocessing: Preprocessing
    folder: Path
    calibrate: str | None
    threads: int

    def candidate(self, combination: Combination) -> Candidate:
        """A candidate of `onnxruntime` or `openvino`.

        Candidates that only differ in the batch size open the same file.
        """
        format_ = _FORMATS[combination.runtime]
        precision, merged = combination.precision, combination.merge_tokens
        name = f"{precision}-{str(merged).replace(' ', '')}{SUFFIXES[format_]}"
        path = self.folder / name
        options = ExportOptions(precision=precision, merge_tokens=merged)

        def write() -> None:
            if not path.exists():
                export_trained(
                    self.trained,
                    path,
                    format_,
                    options,
                    preprocessing=self.preprocessing,
                    classes=None,
                    calibrate=self.calibrate if precision == "int8" else None,
                )

        opened = partial(
            ExportedModule,
            path,
            ExportedInterface(precision=precision),
            self.preprocessing,
            predicted_classes(self.trained.spec),
            threads=self.threads,
        )
        files = files_of_export(path)
        return Candidate(combination, torch.device("cpu"), opened, files, write)


def make_candidates(
    exporter: Exporter, choices: Choices, device: torch.device
) -> list[Candidate]:
    """The candidates of all combinations; those of torch run on the device."""
    return [
        exporter.candidate(each)
        if each.runtime in _FORMATS
        else torch_candidate(exporter.trained, each, device)
        for each in choices.combinations()
    ]
