"""Write a model as one ONNX file."""

import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch

from deit_spec.diagnostics import DiagnosedError, Label, Span, diagnose
from deit_spec.distill.optional_packages import require_packages
from deit_spec.exporting.export_metadata import export_metadata
from deit_spec.exporting.onnx_attention import split_heads_in_attention
from deit_spec.exporting.onnx_translations import ATTENTION_OPSET, translations
from deit_spec.exporting.prepared_model import PreparedModel
from deit_spec.exporting.quantization import quantize_onnx
from deit_spec.model.exported_interface import INPUT

if TYPE_CHECKING:
    import onnx

LARGEST_FILE: Final = 2**31 - 1
"""The number of bytes that a file of protobuf can have."""
_ROOM: Final = 2**20
"""Bytes for everything in a file besides the weights."""
OLDER_OPSET: Final = 20
"""One that older runtimes take, without an operator for attention."""
_ATTENTION_MODEL: Final = f"""
<ir_version: 10, opset_import: ["" : {ATTENTION_OPSET}]>
attention (float[1, 1, 1, 1] q, float[1, 1, 1, 1] k, float[1, 1, 1, 1] v)
    => (float[1, 1, 1, 1] y) {{ y = Attention(q, k, v) }}
"""


def write_onnx(prepared: PreparedModel, path: Path) -> None:
    """Write a model as one ONNX file. The same model always gives the same bytes.

    In int8, the ranges of activations are measured on the images for calibration; if
    there are none, they are measured in each run.

    Raises:
        DiagnosedError: The weights are too large for one file (DS601), or no image for
            calibration can be read (DS614).
        MissingPackageError: A package of the extra `onnx` is not installed.
        OSError: The file cannot be written.
    """
    require_packages("ONNX files", "onnx", "onnxscript", "onnxruntime")
    _require_room(prepared, path)
    opset = prepared.options.opset or default_opset()
    proto = convert_to_onnx(prepared, opset).model_proto
    if prepared.interface.precision == "int8":
        proto = quantize_onnx(proto, prepared.calibration)
    _strip(proto)
    for key, value in export_metadata(prepared).items():
        proto.metadata_props.add(key=key, value=value)
    path.write_bytes(proto.SerializeToString(deterministic=True))


def default_opset() -> int:
    """The first opset with attention, if ONNX Runtime supports it, or an older one."""
    return ATTENTION_OPSET if _takes_attention() else OLDER_OPSET


@cache
def _takes_attention() -> bool:
    """Whether ONNX Runtime can run the operator for attention of opset 23."""
    import onnxruntime  # noqa: PLC0415  -- of the extra `onnx`
    from onnx import parser  # noqa: PLC0415  -- the same

    model = parser.parse_model(_ATTENTION_MODEL)
    try:
        onnxruntime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
    except Exception:  # noqa: BLE001  -- its errors have no common class
        return False
    return True


def convert_to_onnx(prepared: PreparedModel, opset: int) -> torch.onnx.ONNXProgram:
    """Convert the module, in float32, with the names of its input and outputs."""
    # The warnings of the exporter are about its own code.
    with warnings.catch_warnings(action="ignore"):
        program = torch.onnx.export(
            prepared.module,
            (prepared.example,),
            dynamo=True,
            opset_version=opset,
            custom_translation_table=translations(opset),
            dynamic_shapes=prepared.dynamic_shapes,
            input_names=[INPUT],
            output_names=list(prepared.interface.outputs),
            external_data=False,
            optimize=True,
            verbose=False,
        )
        assert program is not None  # noqa: S101  -- as `dynamo=True` returns
        split_heads_in_attention(program.model)
    return program


def _strip(proto: "onnx.ModelProto") -> None:
    """Remove what the exporter notes about its own steps, such as stack traces."""
    graph = proto.graph
    graph.ClearField("metadata_props")
    tensors = (*graph.initializer, *graph.input, *graph.output, *graph.value_info)
    for each in (*graph.node, *tensors):
        each.ClearField("metadata_props")
        each.ClearField("doc_string")


def _require_room(prepared: PreparedModel, path: Path) -> None:
    """DS601: check that the weights fit into one file."""
    tensors = prepared.module.state_dict().values()
    size = sum(each.numel() * each.element_size() for each in tensors)
    if size <= LARGEST_FILE - _ROOM:
        return
    limit = f"an ONNX file has at most {LARGEST_FILE:,}"
    message = f"the weights have {size:,} bytes, but {limit}"
    place, helps = Label(Span.of_file(path)), ["write a .pt2 file"]
    raise DiagnosedError([diagnose("DS601", message, place, helps=helps)])
