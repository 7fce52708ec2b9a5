"""An exported file as a torch module that takes what our own models take."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from deit_spec.diagnostics import DiagnosedError, Label, Span, diagnose
from deit_spec.diagnostics.printable import first_line_of, visible
from deit_spec.runtime.exported_program_scan import UnsafeProgramError
from deit_spec.runtime.inference_engines import Engine, open_engine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from deit_spec.model.exported_interface import ExportedInterface
    from deit_spec.model.preprocessing import Preprocessing

LARGEST_BATCH = 1024
"""The largest batch of a file without a fixed one."""
REASON = 300
"""How many characters of an engine's error a message shows."""


class ExportedFileError(DiagnosedError, ValueError):
    """An exported file cannot be used. `diagnostics` holds every finding."""

    headline = "the exported file cannot be used"


def refuse_file(
    code: str,
    message: str,
    path: Path,
    *,
    notes: "Iterable[str]" = (),
    helps: "Iterable[str]" = (),
) -> ExportedFileError:
    """Make the error of a single finding about a file."""
    place = Label(Span.of_file(path))
    return ExportedFileError([diagnose(code, message, place, notes=notes, helps=helps)])


class ExportedModule(nn.Module):
    """An exported file, opened in its own engine on the CPU.

    `forward` takes normalised images `[B, C, S, S]` and returns logits `[B, K]`, for
    any file: the input is converted to that of the file, and its output to logits. It
    has no parameters.

    - `uint8`: the normalisation is undone and rounded, which is exact for images of 8
      bits.
    - `probabilities`: their logarithms, whose softmax they are.
    - `topk`: the same, where the other classes share the rest evenly.
    - A fixed batch is filled up with copies of the last image.
    """

    def __init__(
        self,
        path: Path,
        interface: "ExportedInterface",
        preprocessing: "Preprocessing",
        classes: int | None,
        *,
        threads: int | None = None,
    ) -> None:
        """Open a file.

        Args:
            path: The file.
            interface: What its metadata says that it takes and returns.
            preprocessing: Its size, channels and statistics.
            classes: The number K of classes; None for a model without class heads.
            threads: For ONNX Runtime and OpenVINO; by default all cores.

        Raises:
            ImportError: The engine is not installed.
            ExportedFileError: The file cannot be opened (DS607), or its graph is not
                what the metadata says (DS606).
        """
        super().__init__()
        self.path, self.interface, self.classes = path, interface, classes
        self.preprocessing = preprocessing
        self.engine = self._open(threads)
        self._require_interface()

    def _open(self, threads: int | None) -> Engine:
        try:
            bf16 = self.interface.precision == "bf16"
            return open_engine(self.path, threads=threads, bf16=bf16)
        except ImportError:
            raise
        except UnsafeProgramError as error:
            message = "opening the file could execute code, so it was not opened"
            notes = [visible(str(error)[:REASON])]
            raise refuse_file("DS607", message, self.path, notes=notes) from None
        except Exception as error:  # noqa: BLE001  -- a broken file raises anything
            reason = first_line_of(error)
            if reason.startswith("Exception from"):  # OpenVINO begins with a place
                reason = str(error).strip().rpartition("\n")[2]
            raise refuse_file(
                "DS607",
                "the file is damaged, or its engine does not support it",
                self.path,
                notes=[visible(reason[:REASON])],
                helps=["copy the file again, or export the model again"],
            ) from None

    def _require_interface(self) -> None:
        """Check that the graph has the input and the outputs of the interface."""
        engine, interface = self.engine, self.interface
        images = self.preprocessing
        takes = interface.describe_input(images.size, images.channels)
        outputs: object = interface.outputs
        if isinstance(engine.outputs, int):
            outputs = len(interface.outputs)
        width = interface.k if interface.output == "topk" else self.classes
        if engine.width is None or interface.output == "features":
            width = engine.width
        for what, found, wanted in (
            ("input", engine.input, takes),
            ("outputs", _shown(engine.outputs), _shown(outputs)),
            ("width of the output", engine.width, width),
        ):
            if found != wanted:
                message = f"the {what} of the graph is {found}, but the metadata says "
                raise refuse_file("DS606", f"{message}{wanted}", self.path)

    def run(self, images: "NDArray[Any]") -> "dict[str, NDArray[Any]]":
        """Run the file on its own input; the outputs by their names."""
        return dict(zip(self.interface.outputs, self.engine.run(images), strict=True))

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Compute logits `[B, K]` of normalised images `[B, C, S, S]`."""
        limit = self.interface.batch or LARGEST_BATCH
        parts = [
            self._logits(each) for each in torch.split(images.float().cpu(), limit)
        ]
        return torch.cat(parts).to(images.device)

    def _logits(self, images: Tensor) -> Tensor:
        inputs = input_of(images, self.interface, self.preprocessing)
        count = len(images)
        found = {
            name: torch.from_numpy(np.array(value[:count]))
            for name, value in self.run(inputs).items()
        }
        first = found[self.interface.outputs[0]].float()
        if self.interface.output == "probabilities":
            return first.log()
        if self.interface.output != "topk":
            return first
        _, indices = self.interface.outputs[:2]
        classes = self.classes or first.shape[1]
        rest = (1 - first.sum(dim=1, keepdim=True)).clamp(min=0)
        share = rest / max(classes - first.shape[1], 1)
        spread = share.expand(-1, classes)
        return spread.scatter(1, found[indices].long(), first).log()


def input_of(
    images: Tensor, interface: "ExportedInterface", preprocessing: "Preprocessing"
) -> "NDArray[Any]":
    """Convert normalised images `[B, C, S, S]` to the input of a file.

    A fixed batch is filled up with copies of the last image.
    """
    copies = max(0, (interface.batch or 0) - len(images))
    images = torch.cat([images, images[-1:].expand(copies, -1, -1, -1)])
    if interface.input == "uint8":
        images = byte_pixels(images, preprocessing)
    if interface.layout == "nhwc":
        images = images.permute(0, 2, 3, 1)
    return images.contiguous().numpy()


def byte_pixels(images: Tensor, preprocessing: "Preprocessing") -> Tensor:
    """Undo the normalisation of images `[B, C, S, S]`, and round to bytes."""
    mean, std = statistics_of(preprocessing)
    return ((images * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)


def statistics_of(preprocessing: "Preprocessing") -> tuple[Tensor, Tensor]:
    """The mean and the std of each channel, `[C, 1, 1]`."""
    mean, std = map(torch.tensor, (preprocessing.mean, preprocessing.std))
    return mean.view(-1, 1, 1), std.view(-1, 1, 1)


def _shown(outputs: object) -> str:
    return ", ".join(outputs) if isinstance(outputs, tuple) else str(outputs)
