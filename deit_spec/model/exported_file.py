"""Read a file of `deit_spec.export` as a model: spec, preprocessing, class names.

They are in its metadata, whose digest shows whether anything was edited.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deit_spec.diagnostics.printable import listed, reason_of, visible
from deit_spec.model.class_names import NOT_NAMES, names_in
from deit_spec.model.exported_interface import (
    INPUT,
    INTERFACE,
    METADATA_DIGEST,
    TORCH,
    WEIGHTS_DIGEST,
    YAML,
    ExportedInterface,
    metadata_digest,
)
from deit_spec.model.exported_metadata import (
    DamagedFileError,
    Metadata,
    read_metadata,
)
from deit_spec.model.preprocessing import Preprocessing
from deit_spec.runtime.exported_module import (
    ExportedFileError,
    refuse_file,
)
from deit_spec.spec import Checked, DeiTSpec
from deit_spec.weights import spec_metadata


@dataclass(frozen=True)
class ExportedFile:
    """An exported file, and what its metadata says.

    Attributes:
        path: The file.
        format: The format, such as `ONNX, opset 23`.
        metadata: All of its metadata.
        checked: The spec, without errors, and the findings about it.
        interface: What the file takes and returns.
        preprocessing: How an image becomes the input of the model.
        classes: The names of the classes, or None.
    """

    path: Path
    format: str
    metadata: dict[str, str]
    checked: Checked
    interface: ExportedInterface
    preprocessing: Preprocessing
    classes: tuple[str, ...] | None

    @property
    def spec(self) -> DeiTSpec:
        """The spec."""
        assert self.checked.spec is not None  # noqa: S101  -- see `read_exported`
        return self.checked.spec

    @property
    def size(self) -> int:
        """The number of bytes of all its files."""
        return sum(each.stat().st_size for each in files_of_export(self.path))

    def as_yaml(self) -> str:
        """The spec as YAML, with a description of the file above it."""
        interface, images, metadata = self.interface, self.preprocessing, self.metadata
        scale = "0 to 255" if interface.input == "uint8" else "normalised"
        takes = interface.describe_input(images.size, images.channels)
        resized = f"{images.resized} pixels ({images.resize}), {images.interpolation}"
        mean, std = (", ".join(map(str, each)) for each in (images.mean, images.std))
        count = self.spec.num_classes
        classes = "no classes" if count is None else f"{count:,} classes"
        names = "unnamed" if self.classes is None else listed(self.classes)
        own, torch = metadata.get(spec_metadata.VERSION), metadata.get(TORCH)
        lines = [
            f"{self.format}; {interface.precision}; {self.size:,} bytes",
            f"input: {INPUT}, {takes}, {scale}",
            f"outputs: {', '.join(interface.outputs)}",
            f"resize to {resized}; crop to {images.size}; mean {mean}; std {std}",
            f"{classes}: {names}",
            f"written by deit-spec {own} with torch {torch}",
            f"SHA-256 of the weights: {metadata.get(WEIGHTS_DIGEST)}",
        ]
        head = "".join(f"# {visible(line)}\n" for line in lines)
        return head + metadata.get(YAML, "")

    def as_json(self) -> dict[str, Any]:
        """The same as JSON, as docs/models.md describes it."""
        metadata = self.metadata
        return {
            "file": str(self.path),
            "format": self.format,
            "bytes": self.size,
            "interface": asdict(self.interface),
            "preprocessing": asdict(self.preprocessing),
            "classes": None if self.classes is None else list(self.classes),
            "spec": spec_metadata.resolved_spec(self.spec),
            "digest": self.spec.digest,
            "weights_digest": metadata.get(WEIGHTS_DIGEST),
            "written_by": {
                "deit_spec": metadata.get(spec_metadata.VERSION),
                "torch": metadata.get(TORCH),
            },
        }


def files_of_export(path: Path) -> tuple[Path, ...]:
    """All files of an exported model: OpenVINO has the weights in a second one."""
    is_openvino = path.suffix.lower() == ".xml"
    return (path, *([path.with_suffix(".bin")] if is_openvino else []))


def read_exported(path: Path) -> ExportedFile:
    """Read the metadata of an exported file.

    Raises:
        ExportedFileError: The file is not one of ours (DS605), its metadata was edited
            or contradicts itself (DS606), it is damaged (DS607), or its spec has
            errors, as that of a later version may.
        WeightsError: The digest of its spec is that of another one (DS425).
        ModelFolderError: The preprocessing is damaged or of another model (DS425).
    """
    # It opens exported files, too.
    from deit_spec.model.model_folder import metadata_preprocessing  # noqa: PLC0415

    found = _read(path)
    values = found.values
    _require_ours(values, path)
    checked = spec_metadata.check_metadata(values, str(path))
    if checked is None or checked.spec is None:
        raise ExportedFileError(checked.diagnostics if checked else ())
    spec = checked.spec
    try:
        interface = ExportedInterface.from_json(values[INTERFACE])
    except ValueError as error:
        message = f"the interface in the metadata cannot be used: {error}"
        raise refuse_file("DS606", message, path) from None
    text = values.get(spec_metadata.PREPROCESSING, "")
    preprocessing = metadata_preprocessing(text, spec, path)
    classes = _classes(values, spec, path)
    format_ = found.format
    return ExportedFile(
        path, format_, values, checked, interface, preprocessing, classes
    )


def _read(path: Path) -> Metadata:
    try:
        return read_metadata(path)
    except DamagedFileError as error:
        message = f"the file cannot be opened: {visible(str(error))}"
        helps = ["copy the file again, or export the model again"]
        raise refuse_file("DS607", message, path, helps=helps) from None
    except OSError as error:
        message = f"the file cannot be opened: {reason_of(error)}"
        raise refuse_file("DS607", message, path) from None


def _require_ours(metadata: dict[str, str], path: Path) -> None:
    """Check that a file is one of ours, and that its metadata was not edited."""
    missing = {spec_metadata.SPEC, INTERFACE} - metadata.keys()
    if missing:
        message = "the file is not from `deit-spec export`: its metadata has no "
        helps = ["`deit-spec export MODEL -o FILE` writes a file with its own spec"]
        raise refuse_file("DS605", message + min(missing), path, helps=helps)
    digest, own = metadata.get(METADATA_DIGEST), metadata_digest(metadata)
    if digest != own:
        written = "missing" if digest is None else digest
        raise refuse_file(
            "DS606",
            "the metadata was edited after the export",
            path,
            notes=[f"its digest is {own}, and {METADATA_DIGEST} is {written}"],
            helps=["export the model again instead of editing its metadata"],
        )


def _classes(
    metadata: dict[str, str], spec: DeiTSpec, path: Path
) -> tuple[str, ...] | None:
    text = metadata.get(spec_metadata.CLASSES)
    if text is None:
        return None
    try:
        names = names_in(json.loads(text))
    except NOT_NAMES:
        message = "the class names in the metadata are damaged"
        raise refuse_file("DS606", message, path) from None
    if len(names) != spec.num_classes:
        message = f"there are {len(names):,} class names, but the spec has "
        raise refuse_file("DS606", f"{message}{spec.num_classes} classes", path)
    return names
