"""An exported file computes what its model does, and only that."""

import io
import json
import pickle
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.exported_files import CLASSES, FLOAT, IMAGES, SUFFIXES, Linear, write
from torch import Tensor

from deit_spec.model.exported_interface import ExportedInterface
from deit_spec.model.preprocessing import Preprocessing
from deit_spec.runtime.exported_module import (
    ExportedFileError,
    ExportedModule,
    input_of,
)

INTERFACES = {
    "plain": FLOAT,
    "bytes": ExportedInterface("uint8", "nhwc"),
    "channels-last": ExportedInterface(layout="nhwc"),
    "probabilities": ExportedInterface(output="probabilities"),
    "top": ExportedInterface("uint8", output="topk", k=3),
    "fixed": ExportedInterface(batch=4),
    "taps": ExportedInterface(taps=("one", "two")),
}


def pixels_of(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(count)
    return torch.randint(256, (count, 1, 8, 8), generator=generator)


def normalised(pixels: Tensor, images: Preprocessing = IMAGES) -> Tensor:
    mean, std = (
        torch.tensor(each).view(-1, 1, 1) for each in (images.mean, images.std)
    )
    return (pixels / 255 - mean) / std


def opened(path: Path, interface: ExportedInterface = FLOAT) -> ExportedModule:
    return ExportedModule(path, interface, IMAGES, len(CLASSES), threads=1)


def refused(path: Path, interface: ExportedInterface = FLOAT) -> tuple[str, str]:
    with pytest.raises(ExportedFileError) as raised:
        opened(path, interface)
    (found,) = raised.value.diagnostics
    return found.code, "\n".join([found.message, *found.notes])


@pytest.mark.parametrize("interface", INTERFACES.values(), ids=INTERFACES)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_logits_are_those_of_the_model(
    suffix: str, interface: ExportedInterface, tmp_path: Path
) -> None:
    """Whatever a file takes, for batches smaller and larger than its own."""
    module = opened(write(tmp_path / f"model{suffix}", interface), interface)
    for count in (1, 2, 7):
        images = normalised(pixels_of(count))
        wanted = Linear()(images).softmax(1)
        found = module(images).softmax(1)
        assert found.sum(1).allclose(torch.ones(count))
        if interface.k is not None:
            best = wanted.topk(interface.k)
            assert found.topk(interface.k).indices.equal(best.indices)
            wanted, found = best.values, found.gather(1, best.indices)
        assert found.allclose(wanted, atol=1e-6)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_run_returns_all_outputs_by_name(suffix: str, tmp_path: Path) -> None:
    interface = ExportedInterface("uint8", "nhwc", taps=("one",))
    module = opened(write(tmp_path / f"model{suffix}", interface), interface)
    pixels = pixels_of(2)
    found = module.run(pixels.permute(0, 2, 3, 1).numpy().astype(np.uint8))
    assert [*found] == ["logits", "one"]
    assert torch.from_numpy(found["logits"]).allclose(module(normalised(pixels)))


@given(
    mean=st.floats(0, 1, width=32),
    std=st.floats(0.0625, 1, width=32),
)
def test_the_bytes_of_images_come_back(mean: float, std: float) -> None:
    """For all 256 values of a pixel, with any statistics."""
    images = Preprocessing(8, 1, mean=(mean,), std=(std,))
    pixels = torch.arange(256).view(4, 1, 8, 8)
    taken = input_of(normalised(pixels, images), ExportedInterface("uint8"), images)
    assert torch.from_numpy(taken).equal(pixels.to(torch.uint8))


@pytest.mark.parametrize(
    ("interface", "graph", "words"),
    [
        (ExportedInterface("uint8"), FLOAT, ("float32 [B, 1, 8, 8]", "uint8")),
        (ExportedInterface(layout="nhwc"), FLOAT, ("[B, 1, 8, 8]", "[B, 8, 8, 1]")),
        (ExportedInterface(batch=2), FLOAT, ("[B, 1, 8, 8]", "[2, 1, 8, 8]")),
        (ExportedInterface(taps=("one",)), FLOAT, ("outputs",)),
        (
            ExportedInterface(output="topk", k=3),
            ExportedInterface(output="topk", k=4),
            ("width", "4", "3"),
        ),
    ],
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_graph_that_contradicts_the_metadata_is_refused(
    suffix: str,
    interface: ExportedInterface,
    graph: ExportedInterface,
    words: tuple[str, ...],
    tmp_path: Path,
) -> None:
    path = write(tmp_path / f"model{suffix}", interface, graph=graph)
    code, text = refused(path, interface)
    assert code == "DS606"
    assert all(word in text for word in words)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_truncated_file_is_refused(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"model{suffix}")
    data = path.read_bytes()
    for share in (0, 0.1, 0.5, 0.9, 0.99):
        path.write_bytes(data[: int(share * len(data))])
        assert refused(path)[0] == "DS607"


@pytest.mark.parametrize("left", [0, 100])
def test_truncated_weights_of_openvino_are_refused(left: int, tmp_path: Path) -> None:
    path = write(tmp_path / "model.xml")
    weights = path.with_suffix(".bin")
    weights.write_bytes(weights.read_bytes()[:left])
    code, text = refused(path)
    assert code == "DS607"
    assert "Exception from" not in text


def test_an_unknown_operator_of_onnx_is_refused(tmp_path: Path) -> None:
    import onnx  # noqa: PLC0415  -- slow

    path = write(tmp_path / "model.onnx")
    model = onnx.load(path)
    model.graph.node[0].domain = "com.example"
    model.opset_import.add(domain="com.example", version=1)
    onnx.save(model, path)
    code, text = refused(path)
    assert code == "DS607"
    assert "com.example" in text


class Malicious:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


Records = dict[str, bytes]


def with_pickled_inputs(records: Records, path: Path) -> None:
    buffer = io.BytesIO()
    torch.save((Malicious(path),), buffer)
    records["data/sample_inputs/model.pt"] = buffer.getvalue()


def with_pickled_weights(records: Records, path: Path) -> None:
    buffer = io.BytesIO()
    torch.save(Malicious(path), buffer)
    records["data/weights/weight_0"] = buffer.getvalue()
    name = "data/weights/model_weights_config.json"
    records[name] = records[name].replace(b'"use_pickle": false', b'"use_pickle": true')


def with_object(records: Records, path: Path) -> None:
    records["data/constants/opaque_obj_0"] = pickle.dumps(Malicious(path))
    entry = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": False}
    config = {"config": {"x": {**entry, "tensor_meta": None}}}
    records["data/constants/model_constants_config.json"] = json.dumps(config).encode()


def with_library(records: Records, _: Path) -> None:
    records["data/aotinductor/model/model.so"] = b"\x7fELF"


def changed(change: Callable[[dict[str, Any], Path], None]) -> Any:
    """A change of the program itself."""

    def apply(records: Records, path: Path) -> None:
        program = json.loads(records["models/model.json"])
        change(program, path)
        records["models/model.json"] = json.dumps(program).encode()

    return apply


def set_target(program: dict[str, Any], _: Path) -> None:
    program["graph_module"]["graph"]["nodes"][-1]["target"] = "torch.os.system"


def set_text(program: dict[str, Any], path: Path) -> None:
    argument = {"name": "x", "arg": {"as_string": str(path)}, "kind": 1}
    program["graph_module"]["graph"]["nodes"][-1]["inputs"].append(argument)


def set_size(program: dict[str, Any], path: Path) -> None:
    sizes = program["graph_module"]["graph"]["tensor_values"]["images"]["sizes"]
    code = f"__import__('pathlib').Path({str(path)!r}).touch()"
    sizes[0]["as_expr"]["expr_str"] = code


def set_size_of_metadata(program: dict[str, Any], path: Path) -> None:
    """A tensor with the name of what is not checked in a node."""
    graph = program["graph_module"]["graph"]
    set_size(program, path)
    graph["tensor_values"]["metadata"] = graph["tensor_values"].pop("images")
    graph["inputs"][0]["as_tensor"]["name"] = "metadata"


def set_guard(program: dict[str, Any], path: Path) -> None:
    program["guards_code"] = [f"__import__('pathlib').Path({str(path)!r}).touch()"]


def set_name(program: dict[str, Any], path: Path) -> None:
    signature = program["graph_module"]["module_call_graph"][0]["signature"]
    signature["forward_arg_names"] = [f"x=open({str(path)!r}, 'w')"]


def set_tree(program: dict[str, Any], _: Path) -> None:
    signature = program["graph_module"]["module_call_graph"][0]["signature"]
    kind, factory = "collections.defaultdict", "default_factory_module"
    tree = {"type": kind, "context": {factory: "antigravity"}, "children_spec": []}
    signature["out_spec"] = json.dumps([1, tree])


UNSAFE: dict[str, Any] = {
    "inputs": with_pickled_inputs,
    "weights": with_pickled_weights,
    "object": with_object,
    "library": with_library,
    "target": changed(set_target),
    "text": changed(set_text),
    "size": changed(set_size),
    "size of metadata": changed(set_size_of_metadata),
    "guard": changed(set_guard),
    "name": changed(set_name),
    "tree": changed(set_tree),
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("program") / "model.pt2")


def rewrite(source: Path, target: Path, change: Callable[[Records], None]) -> Path:
    """Copy an archive with other records."""
    with zipfile.ZipFile(source) as archive:
        root = archive.namelist()[0].partition("/")[0]
        records = {
            name.partition("/")[2]: archive.read(name) for name in archive.namelist()
        }
    change(records)
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in records.items():
            archive.writestr(f"{root}/{name}", data)
    return target


def test_a_rewritten_program_still_opens(program: Path, tmp_path: Path) -> None:
    """The next test refuses a program for its change, not for being rewritten."""
    path = rewrite(program, tmp_path / "model.pt2", lambda _: None)
    assert opened(path)(torch.zeros(1, 1, 8, 8)).shape == (1, 10)


@pytest.mark.parametrize("change", UNSAFE.values(), ids=UNSAFE)
def test_a_program_that_needs_code_is_refused(
    change: Callable[[Records, Path], None], program: Path, tmp_path: Path
) -> None:
    marker = tmp_path / "executed"
    path = rewrite(
        program, tmp_path / "model.pt2", lambda records: change(records, marker)
    )
    code, text = refused(path)
    assert code == "DS607"
    assert "could execute code" in text
    assert not marker.exists()


def test_a_file_that_torch_alone_finds_in_the_archive_is_refused(
    program: Path, tmp_path: Path
) -> None:
    """Torch reads the list at the stated place; `zipfile` the one before the end."""
    shown, hidden = b"/extra/aaaaaaaaaa.so", b"/data/aotinductor/a/"
    name = shown.decode()[1:]
    path = rewrite(
        program, tmp_path / "model.pt2", lambda records: records.update({name: b""})
    )
    data = path.read_bytes()
    end = bytearray(data[data.rindex(b"PK\5\6") :])
    size, start = struct.unpack_from("<2I", end, 12)
    listed = data[start : start + size]
    for_torch = bytearray(listed.replace(shown, hidden))
    for entry in re.finditer(b"PK\1\2", listed):  # whose files are moved by `size`
        (offset,) = struct.unpack_from("<I", listed, entry.start() + 42)
        struct.pack_into("<I", for_torch, entry.start() + 42, offset + size)
    struct.pack_into("<I", end, 16, size + start)
    path.write_bytes(bytes(size) + data[:start] + for_torch + listed + end)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert not any("aotinductor" in each for each in archive.namelist())
    code, text = refused(path)
    assert code == "DS607"
    assert f"it has the file {hidden.decode()[1:]}" in text
