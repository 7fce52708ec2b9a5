"""Write a model as OpenVINO IR: a graph in .xml and its weights in .bin."""

import errno
from pathlib import Path
from tempfile import TemporaryDirectory

from deit_spec.diagnostics.printable import first_line_of
from deit_spec.distill.optional_packages import require_packages
from deit_spec.exporting.export_metadata import export_metadata
from deit_spec.exporting.onnx_file import convert_to_onnx
from deit_spec.exporting.onnx_translations import ATTENTION_OPSET
from deit_spec.exporting.prepared_model import PreparedModel
from deit_spec.exporting.quantization import quantize_openvino


def write_openvino(prepared: PreparedModel, path: Path) -> None:
    """Write a model as `path`, an .xml, and a .bin with the same name.

    The model is converted by way of ONNX, which keeps the names of the input and the
    outputs and the dynamic batch size. Weights are in float32; for `bf16` they are in
    float16, from which a CPU computes in bfloat16.

    Raises:
        DiagnosedError: No image for calibration can be read (DS614).
        MissingPackageError: A package of the extra `openvino` is not installed.
        OSError: The files cannot be written.
    """
    precision = prepared.interface.precision
    require_packages("OpenVINO files", "openvino", "onnx", "onnxscript")
    if precision == "int8":
        require_packages("OpenVINO files in int8", "nncf")
    import openvino  # noqa: PLC0415  -- of the extra `openvino`

    with TemporaryDirectory(dir=path.parent) as folder:
        source = Path(folder) / "model.onnx"
        convert_to_onnx(prepared, ATTENTION_OPSET).save(source)
        graph = openvino.Core().read_model(source)
        if precision == "int8":
            graph = quantize_openvino(graph, prepared.calibration or ())
        for key, value in export_metadata(prepared).items():
            graph.set_rt_info(value, key.split("."))
        try:
            openvino.save_model(graph, path, compress_to_fp16=precision == "bf16")
        except RuntimeError as error:  # OpenVINO has no other kind of error
            # The folder is new and was written to, so this is the usual reason.
            reason = f"the disk may be full (OpenVINO: {first_line_of(error)})"
            raise OSError(errno.EIO, reason, str(path)) from None
