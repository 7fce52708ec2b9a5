"""How near an exported file is to its model, and whether that is near enough."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from deit_spec.diagnostics import DiagnosedError, Diagnostic, Label, Span, diagnose
from deit_spec.distill.exported_model import load_exported
from deit_spec.distill.prediction import UnreadableImage
from deit_spec.exporting.check_images import CheckImages, with_byte_pixels
from deit_spec.exporting.compare_export import Comparison, compare
from deit_spec.exporting.prepared_model import PreparedModel
from deit_spec.model.exported_interface import OutputKind, Precision
from deit_spec.model.model_folder import open_model_folder

MOST_ERROR: Final = 1e-4
"""The largest error of a file in float32 without a warning."""
LEAST_AGREEMENT: Final = 0.99
"""The lowest agreement of a file in bfloat16 or int8 without a warning."""
_BATCH: Final = 16
"""The number of images in a batch, unless the file has a fixed one."""
_VALUES: Final = {"logits": "logit", "features": "feature"}
_LITTLE: Final = "random pixels prove little: `--check DIR` compares on your own images"


class ExportCheckError(DiagnosedError, ValueError):
    """An exported file is not near enough to the model, or cannot be opened."""

    headline = "the exported file was not written"


@dataclass(frozen=True)
class ExportCheck:
    """The comparison of an exported file with the model, and how it was made.

    Attributes:
        comparison: The figures.
        output: The output that was compared.
        images: The images that it was made on, in words.
        is_random: Whether they are random pixels.
        unreadable: The images that could not be read and were left out.
        runtime: The name and the version of the runtime of the file.
        precision: The precision of the file.
        computed_in: The precision that the runtime computed in.
    """

    comparison: Comparison
    output: OutputKind
    images: str
    is_random: bool
    unreadable: tuple[UnreadableImage, ...]
    runtime: str
    precision: Precision
    computed_in: str

    @property
    def lines(self) -> list[str]:
        """The check in lines of text."""
        found, value = self.comparison, self._value
        largest, mean = f"{found.largest_error:.1e}", f"{found.mean_error:.1e}"
        lines = [
            self._made,
            f"largest error: {largest} of the {value}, for {found.worst_image}",
            f"mean error: {mean} of the {value}",
        ]
        if found.agreeing is not None:
            lines.append(f"same top-1 class: {_agreement(found)}")
        if self.is_random:
            lines.append(_LITTLE)
        return lines + [
            f"unreadable, left out: {image} ({reason})"
            for image, reason in self.unreadable
        ]

    @property
    def as_json(self) -> dict[str, Any]:
        """The check as values of JSON, which has no infinity: null stands for it."""
        found = self.comparison
        return {
            "runtime": self.runtime,
            "computed_in": self.computed_in,
            "images": found.images,
            "source": self.images,
            "random": self.is_random,
            "unreadable": [each._asdict() for each in self.unreadable],
            "largest_error": _finite(found.largest_error),
            "mean_error": _finite(found.mean_error),
            "worst_image": found.worst_image,
            "agreement": found.agreement,
        }

    def findings(self, path: Path, require: float | None = None) -> list[Diagnostic]:
        """Judge the file at `path`: warnings (DS612), or errors (DS613).

        The errors are those of `require`, the lowest agreement that is allowed. Then
        an error in float32 above `MOST_ERROR` is not allowed either.
        """
        found, is_exact = self.comparison, self.precision == "fp32"
        reasons = []
        if not math.isfinite(found.largest_error):
            reasons.append("an output is infinite or not a number")
        elif is_exact and found.largest_error > MOST_ERROR:
            figure = f"the largest error is {found.largest_error:.1e} of the"
            reasons.append(f"{figure} {self._value}, above {MOST_ERROR:g}")
        least = require
        if least is None and not is_exact:
            least = LEAST_AGREEMENT
        agreement = found.agreement
        if least is not None and agreement is not None and agreement < least:
            figure = f"the top-1 class is the same for {_agreement(found)}"
            reasons.append(f"{figure}, below {100 * least:g} %")
        if require is not None and agreement is None and not is_exact:
            reasons.append("features have no top-1 class to require")
        code = "DS612" if require is None else "DS613"
        place = Label(Span.of_file(path))
        notes = [f"{found.worst_image} has the largest error", self._made]
        return [
            diagnose(code, reason, place, notes=notes, helps=self._helps)
            for reason in reasons
        ]

    @property
    def _made(self) -> str:
        how = f"in {self.runtime}, which computed in {self.computed_in}"
        return f"checked {how}, on {self.images}"

    @property
    def _value(self) -> str:
        """What errors are relative to."""
        return f"largest {_VALUES.get(self.output, 'probability')}"

    @property
    def _helps(self) -> list[str]:
        if self.precision == "int8":
            return ["use more images for `--calibrate`, or `--precision bf16`"]
        if self.precision == "bf16":
            return ["use `--precision fp32`"]
        return []


def check_export(
    file: Path, path: Path, prepared: PreparedModel, images: CheckImages
) -> ExportCheck:
    """Compare a file that was just written, and will be at `path`, with its model.

    It is opened in its own runtime. If it takes bytes, the model gets the same pixels.

    Raises:
        ExportCheckError: The file cannot be opened.
        CheckImagesError: None of the images can be read (DS614).
        MissingPackageError: The runtime is not installed.
    """
    try:
        exported = load_exported(open_model_folder(file))
    except DiagnosedError as error:
        place = Label(Span.of_file(path))
        found = [replace(each, primary=place) for each in error.diagnostics]
        raise ExportCheckError(found) from None
    interface = prepared.interface
    batches = _batches(prepared, images, interface.batch or _BATCH)
    comparison = compare(prepared.reference, exported, batches, interface)
    floats = "bfloat16" if interface.precision == "bf16" else "float32"
    floats = exported.engine.computes_in or floats
    computed_in = f"int8 and {floats}" if interface.precision == "int8" else floats
    return ExportCheck(
        comparison,
        interface.output,
        images.describe(comparison.images),
        is_random=images.is_random,
        unreadable=tuple(images.unreadable),
        runtime=exported.engine.name,
        precision=interface.precision,
        computed_in=computed_in,
    )


def _batches(
    prepared: PreparedModel, images: CheckImages, size: int
) -> Iterator[tuple[list[str], Tensor]]:
    for names, batch in images.batches(size):
        if prepared.interface.input == "uint8":
            yield names, with_byte_pixels(batch, prepared.preprocessing)
        else:
            yield names, batch


def _agreement(found: Comparison) -> str:
    """The agreement as `254 of 256 images, 99.22 %`."""
    share = 100 * (found.agreement or 0)
    return f"{found.agreeing:,} of {found.images:,} images, {share:.2f} %"


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
