"""The images on which the ranges of activations are measured for int8."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deit_spec.diagnostics import DiagnosedError, Diagnostic, Label, Span, diagnose
from deit_spec.diagnostics.printable import counted
from deit_spec.distill.trained_model import TrainedModel
from deit_spec.exporting.check_images import CheckImages, find_check_images
from deit_spec.model.exported_interface import ExportedInterface
from deit_spec.model.preprocessing import Preprocessing
from deit_spec.runtime.exported_module import input_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_SHOWN: Final = 3
"""How many unreadable images a message names."""
_HELP: Final = "use `--calibrate DIR` with some hundred images like those to classify"


class CalibrationError(DiagnosedError, ValueError):
    """There are no images to calibrate with. `diagnostics` holds every finding."""

    headline = "the model cannot be calibrated"


@dataclass(frozen=True)
class CalibrationImages:
    """Images in the form of the input of an exported file.

    Attributes:
        images: The images as the model takes them.
        preprocessing: How they were normalised.
        interface: What the file takes.
        path: The file that is exported.
    """

    images: CheckImages
    preprocessing: Preprocessing
    interface: ExportedInterface
    path: Path

    def __iter__(self) -> "Iterator[NDArray[Any]]":
        """Read batches of one image, or of the fixed size, from the first one on.

        Raises:
            CheckImagesError: No image can be read (DS614).
        """
        for _, images in self.images.batches(self.interface.batch or 1):
            yield input_of(images, self.interface, self.preprocessing)

    def findings(self) -> list[Diagnostic]:
        """Warn of images that could not be read and were left out (DS611)."""
        unreadable = self.images.unreadable
        if not unreadable:
            return []
        total = counted(len(self.images.names), "image")
        message = f"{len(unreadable):,} of the {total} for calibration cannot be read"
        place = Label(Span.of_file(self.path))
        notes = [f"{image}: {reason}" for image, reason in unreadable[:_SHOWN]]
        return [diagnose("DS611", message, place, notes=notes)]


def find_calibration_images(
    trained: TrainedModel, preprocessing: Preprocessing, where: str | None, path: Path
) -> CheckImages:
    """Find images to calibrate the file at `path` with.

    `where` is that of `find_check_images`. Without it they are those that the run of
    the model was trained on, so that the images held out still show what int8 costs.

    Raises:
        CheckImagesError: There are no images at `where` (DS614).
        CalibrationError: There is no `where`, and no run with images (DS610).
        MissingPackageError: A package that reads the images is not installed.
    """
    images = find_check_images(trained, preprocessing, where, training=True)
    if images.is_random:
        message = "int8 for OpenVINO needs images for calibration"
        place, notes = Label(Span.of_file(path)), images.warnings
        raise CalibrationError(
            [diagnose("DS610", message, place, notes=notes, helps=[_HELP])]
        )
    return images
