"""The engines that run exported files: ONNX Runtime, OpenVINO, and torch for .pt2."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import torch

from deit_spec.runtime.exported_program_scan import scan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Run: TypeAlias = Callable[[NDArray[Any]], list[NDArray[Any]]]
    """From the input to all outputs, in the order of the graph."""

_ONNX_TYPES: Final = {"tensor(float)": "float32", "tensor(uint8)": "uint8"}
_OPENVINO_TYPES: Final = {"bf16": "bfloat16", "f32": "float32", "u8": "uint8"}
_HINT: Final = "INFERENCE_PRECISION_HINT"
_TELEMETRY: Final = "openvino_telemetry"


@dataclass(frozen=True)
class Engine:
    """An opened file: how it is run, and what its graph takes and returns.

    Attributes:
        name: The engine and its version.
        run: Runs a batch.
        input: The type and the shape of its input, as `float32 [B, 3, 224, 224]`.
        outputs: The names of its outputs; for a .pt2, which has none, their number.
        width: The last dimension of the first output; None if it is not fixed.
        computes_in: The type that floats are computed in; None if it is that of the
            graph.
    """

    name: str
    run: "Run"
    input: str
    outputs: tuple[str, ...] | int
    width: int | None
    computes_in: str | None = None


def open_engine(path: Path, *, threads: int | None, bf16: bool) -> Engine:
    """Open a file in the engine of its format, on the CPU.

    `threads` is a number for ONNX Runtime and OpenVINO; torch has its own setting.

    Raises:
        ImportError: The engine is not installed.
        UnsafeProgramError: Opening it would execute code.
        Exception: The file is damaged, or the engine does not support it.
    """
    if path.suffix.lower() == ".onnx":
        return _open_onnx(path, threads)
    if path.suffix.lower() == ".xml":
        return _open_openvino(path, threads, bf16=bf16)
    return _open_program(path)


def _open_onnx(path: Path, threads: int | None) -> Engine:
    import onnxruntime  # noqa: PLC0415  -- of the extra `onnx`

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # an error is raised, and not printed as well
    if threads is not None:
        options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
    (entry,) = session.get_inputs()
    outputs = session.get_outputs()
    width = outputs[0].shape[-1]
    return Engine(
        f"ONNX Runtime {onnxruntime.__version__}",
        lambda images: session.run(None, {entry.name: images}),
        _described(_ONNX_TYPES.get(entry.type, entry.type), entry.shape),
        tuple(each.name for each in outputs),
        width if isinstance(width, int) else None,
    )


def _open_openvino(path: Path, threads: int | None, *, bf16: bool) -> Engine:
    switch_off_telemetry()
    import openvino  # noqa: PLC0415  -- of the extra `openvino`

    core = openvino.Core()
    graph = core.read_model(path)
    (entry,) = graph.inputs
    # On a CPU that can, OpenVINO would compute in bfloat16.
    hints: dict[str, object] = {_HINT: "bf16" if bf16 else "f32"}
    if threads is not None:
        hints["INFERENCE_NUM_THREADS"] = threads
    compiled = core.compile_model(graph, "CPU", hints)

    def run(images: "NDArray[Any]") -> "list[NDArray[Any]]":
        found = compiled(images)
        return [found[each].copy() for each in compiled.outputs]

    shape: Any = entry.partial_shape
    sizes = [each.get_length() if each.is_static else None for each in shape]
    kind = entry.element_type.get_type_name()
    last: Any = graph.outputs[0].partial_shape[-1]
    return Engine(
        f"OpenVINO {openvino.__version__.partition('-')[0]}",
        run,
        _described(_OPENVINO_TYPES.get(kind, kind), sizes),
        tuple(each.any_name for each in graph.outputs),
        last.get_length() if last.is_static else None,
        _OPENVINO_TYPES.get(compiled.get_property(_HINT).get_type_name()),
    )


def switch_off_telemetry() -> None:
    """Keep OpenVINO and NNCF from sending usage data; call it before importing them.

    Both send it to Google Analytics by default, from their import on, with the package
    `openvino_telemetry`. From now on, importing that package fails in this process,
    and without it they send nothing. If it has been imported before, consent is
    withdrawn.
    """
    telemetry = sys.modules.get(_TELEMETRY)
    if telemetry is None:
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    else:
        telemetry.Telemetry().consent = False  # the only instance


def _open_program(path: Path) -> Engine:
    scan(path)
    with without_log():
        program = torch.export.load(path)
    module = program.module()
    (entry,) = (
        node.meta["val"]
        for node in program.graph.nodes
        if node.name in program.graph_signature.user_inputs
    )
    returned = program.graph_signature.user_outputs
    (first,) = (
        node.meta["val"] for node in program.graph.nodes if node.name == returned[0]
    )

    def run(images: "NDArray[Any]") -> "list[NDArray[Any]]":
        with torch.inference_mode():
            found = module(torch.from_numpy(images))
        leaves = torch.utils._pytree.tree_leaves(found)  # noqa: SLF001  -- documented
        return [
            each.float().numpy() if each.is_floating_point() else each.numpy()
            for each in leaves
        ]

    return Engine(
        f"torch {torch.__version__}",
        run,
        _described(str(entry.dtype).removeprefix("torch."), entry.shape),
        len(returned),
        int(first.shape[-1]),
    )


@contextmanager
def without_log() -> Iterator[None]:
    """Hide the log of a library, such as the traceback of an error that it raises."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(level)


def _described(kind: str, shape: Any) -> str:
    """A type and a shape; what is not a number is the batch size."""
    sizes = [str(each) if isinstance(each, int) else "B" for each in shape]
    return f"{kind} [{', '.join(sizes)}]"
