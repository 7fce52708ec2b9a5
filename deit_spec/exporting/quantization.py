"""Make int8 of the weights and the activations of an exported graph."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from deit_spec.model.exported_interface import INPUT
from deit_spec.runtime.inference_engines import without_log

if TYPE_CHECKING:
    import onnx
    import openvino
    from numpy.typing import NDArray

_PREPROCESSED: Final = ("onnx.quant.pre.process", "onnxruntime.quant")
"""Metadata by which ONNX Runtime knows that a graph is already optimised."""


def quantize_onnx(
    proto: "onnx.ModelProto", batches: "Iterable[NDArray[Any]] | None"
) -> "onnx.ModelProto":
    """Quantise the layers of a graph that have weights, with a scale per channel.

    The ranges of their inputs are measured on `batches` of the input of the graph.
    Without any, each run measures its own batch; the patch projection then stays in
    float32, because ONNX Runtime has only a slow kernel for it. Attention between
    tokens stays in float32, so that it is one operator. The metadata is left out.
    """
    from onnxruntime import quantization  # noqa: PLC0415  -- of the extra `onnx`

    layers, kinds = ["MatMul", "Gemm"], quantization.QuantType
    source = type(proto)()
    source.CopyFrom(proto)
    key, value = _PREPROCESSED
    source.metadata_props.add(key=key, value=value)
    with TemporaryDirectory() as folder, _quietly():
        output = Path(folder) / "int8.onnx"
        if batches is None:
            quantization.quantize_dynamic(
                source,
                output,
                op_types_to_quantize=layers,
                per_channel=True,
                weight_type=kinds.QInt8,
            )
        else:
            quantization.quantize_static(
                source,
                output,
                _CalibrationReader(batches),
                op_types_to_quantize=["Conv", *layers],
                per_channel=True,
                weight_type=kinds.QInt8,
                # CPUs multiply unsigned activations by signed weights.
                activation_type=kinds.QUInt8,
                extra_options={"MatMulConstBOnly": True},
            )
        quantized = type(proto).FromString(output.read_bytes())
    quantized.ClearField("metadata_props")
    quantized.graph.ClearField("value_info")
    return quantized


class _CalibrationReader:
    """Gives ONNX Runtime one batch after the other."""

    def __init__(self, batches: "Iterable[NDArray[Any]]") -> None:
        self._batches = iter(batches)

    def get_next(self) -> "dict[str, NDArray[Any]] | None":
        """The next batch by the name of the input; None after the last one."""
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch}


def quantize_openvino(
    graph: "openvino.Model", batches: "Iterable[NDArray[Any]]"
) -> "openvino.Model":
    """Quantise a graph with NNCF, for a transformer, by its ranges on `batches`."""
    import nncf  # noqa: PLC0415  -- of the extra `openvino`

    with _quietly():
        return nncf.quantize(
            graph, nncf.Dataset(batches), model_type=nncf.ModelType.TRANSFORMER
        )


@contextmanager
def _quietly() -> Iterator[None]:
    """Hide the progress bars on stdout, and the log, which is for developers."""
    with without_log(), redirect_stdout(io.StringIO()):
        yield
