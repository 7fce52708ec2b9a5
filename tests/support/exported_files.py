"""Exported files of a linear model of the digits, written without `deit_spec.export`.

The metadata is that of `specs/tiny.yaml`, which the graph of a file need not match.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from deit_spec import load_spec
from deit_spec.model.exported_interface import (
    INPUT,
    INTERFACE,
    METADATA_DIGEST,
    PREFIX,
    TORCH,
    WEIGHTS_DIGEST,
    YAML,
    ExportedInterface,
    metadata_digest,
)
from deit_spec.model.preprocessing import DIGITS_MEAN, DIGITS_STD, Preprocessing
from deit_spec.weights import make_metadata
from support.commands import SPECS

SUFFIXES = (".onnx", ".xml", ".pt2")
SPEC = load_spec(SPECS / "tiny.yaml")
IMAGES = Preprocessing(8, 1, 1.0, mean=DIGITS_MEAN, std=DIGITS_STD)
CLASSES = tuple("0123456789")
FLOAT = ExportedInterface()
PLAIN = ("logits", "features")
"""Outputs that are the product itself."""

Change = Callable[[dict[str, str]], dict[str, str]]


class Linear(nn.Module):
    """From normalised images to logits, or to what an interface returns."""

    def __init__(self, interface: ExportedInterface = FLOAT) -> None:
        super().__init__()
        self.interface = interface
        weight = torch.randn(64, 10, generator=torch.Generator().manual_seed(0))
        self.weight = nn.Parameter(weight)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        if self.interface.layout == "nhwc":
            images = images.permute(0, 3, 1, 2)
        if self.interface.input == "uint8":
            images = (images.float() / 255 - IMAGES.mean[0]) / IMAGES.std[0]
        logits = images.flatten(1) @ self.weight
        taps = [logits * 2 for _ in self.interface.taps]
        if self.interface.output in PLAIN:
            return (logits, *taps) if taps else logits
        found = logits.softmax(1)
        if self.interface.output == "topk":
            best = found.topk(self.interface.k or 1)
            return best.values, best.indices
        return found


def metadata(interface: ExportedInterface = FLOAT) -> dict[str, str]:
    """What a file with an interface says about itself."""
    found = {
        **make_metadata(SPEC, IMAGES.to_json(), CLASSES),
        INTERFACE: interface.to_json(),
        YAML: "image_size: 8\nname: tiny\n",
        WEIGHTS_DIGEST: "0" * 64,
        TORCH: torch.__version__,
    }
    return sealed(found)


def sealed(values: dict[str, str]) -> dict[str, str]:
    """The same metadata with its digest."""
    return {**values, METADATA_DIGEST: metadata_digest(values)}


def write(
    path: Path,
    interface: ExportedInterface = FLOAT,
    values: dict[str, str] | None = None,
    graph: ExportedInterface | None = None,
) -> Path:
    """Write a file in the format of its extension.

    `values` is its metadata, and `graph` what it really takes and returns, if that is
    not what the interface says.
    """
    values = metadata(interface) if values is None else values
    writers = {".onnx": _write_onnx, ".xml": _write_openvino, ".pt2": _write_pt2}
    writers[path.suffix](path, graph or interface, values)
    return path


def _shape(interface: ExportedInterface) -> tuple[int, ...]:
    return (8, 8, 1) if interface.layout == "nhwc" else (1, 8, 8)


def _write_pt2(
    path: Path, interface: ExportedInterface, values: dict[str, str]
) -> None:
    dtype = torch.uint8 if interface.input == "uint8" else torch.float32
    example = torch.zeros(interface.batch or 2, *_shape(interface), dtype=dtype)
    sizes = {0: torch.export.Dim("batch", min=1, max=1024)}
    program = torch.export.export(
        Linear(interface).eval(),
        (example,),
        dynamic_shapes=None if interface.batch else (sizes,),
    )
    program.example_inputs = None
    torch.export.save(program, path, extra_files=values)


def _write_onnx(
    path: Path, interface: ExportedInterface, values: dict[str, str]
) -> None:
    import onnx  # noqa: PLC0415  -- slow
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415

    constants, nodes, last = {"weight": Linear().weight.detach().numpy()}, [], INPUT

    def add(
        op: str, *others: str, outputs: tuple[str, ...] = (), **fields: object
    ) -> str:
        names = list(outputs) or [f"value{len(nodes)}"]
        nodes.append(helper.make_node(op, [last, *others], names, **fields))
        return names[0]

    if interface.layout == "nhwc":
        last = add("Transpose", perm=[0, 3, 1, 2])
    if interface.input == "uint8":
        scale = 255 * IMAGES.std[0]
        values32 = torch.tensor([255 * IMAGES.mean[0], scale]).numpy()
        constants |= {"mean": values32[:1], "std": values32[1:]}
        last = add("Cast", to=TensorProto.FLOAT)
        last = add("Sub", "mean")
        last = add("Div", "std")
    last = add("Flatten")
    first = interface.outputs[:1] if interface.output in PLAIN else ()
    last = add("MatMul", "weight", outputs=first)
    for tap in interface.taps:
        add("Sum", last, outputs=(tap,))
    if interface.output not in PLAIN:
        first = interface.outputs[:1] if interface.output == "probabilities" else ()
        last = add("Softmax", outputs=first, axis=1)
    if interface.output == "topk":
        constants["k"] = torch.tensor([interface.k]).numpy()
        add("TopK", "k", outputs=interface.outputs[:2], axis=1)
    batch = interface.batch or "batch"
    kind = TensorProto.UINT8 if interface.input == "uint8" else TensorProto.FLOAT
    entry = helper.make_tensor_value_info(INPUT, kind, [batch, *_shape(interface)])
    outputs = [
        helper.make_tensor_value_info(
            name,
            TensorProto.INT64 if name == "classes" else TensorProto.FLOAT,
            [batch, interface.k or 10],
        )
        for name in interface.outputs
    ]
    tensors = [numpy_helper.from_array(each, name) for name, each in constants.items()]
    graph = helper.make_graph(nodes, "linear", [entry], outputs, tensors)
    opset = helper.make_opsetid("", 20)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=10)
    for key, value in values.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)


def _write_openvino(
    path: Path, interface: ExportedInterface, values: dict[str, str]
) -> None:
    import openvino  # noqa: PLC0415  -- slow

    onnx = path.with_suffix(".onnx.tmp.onnx")
    _write_onnx(onnx, interface, {})
    graph = openvino.Core().read_model(onnx)
    onnx.unlink()
    for key, value in values.items():
        graph.set_rt_info(value, [PREFIX.rstrip("."), key.removeprefix(PREFIX)])
    openvino.save_model(graph, path, compress_to_fp16=False)
