"""Files in bfloat16 and int8 are smaller, near the model, and otherwise the same."""

from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from onnx import TensorProto
from PIL import Image
from support.commands import run
from support.exports import SMALL, relative_error, run_onnx, write_model
from support.openvino_files import openvino_metadata, run_openvino
from torch import Tensor

import deit_spec
from deit_spec import DeiTSpec
from deit_spec.model.preprocessing import preprocessing_of

NEAR = 0.2
"""Of the largest logit; int8 is coarse for the random weights of eight channels."""
SPEC = DeiTSpec(**SMALL)
PIXELS = torch.randint(
    0, 256, (7, 8, 8, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, and images with a damaged one among them to calibrate with."""
    folder = tmp_path_factory.mktemp("precision")
    write_model(folder / "model.safetensors", SPEC, [*"abcde"])
    (folder / "images").mkdir()
    (folder / "damaged").mkdir()
    for index, pixels in enumerate(PIXELS):
        image = Image.fromarray(pixels[..., 0].numpy())
        image.save(folder / "images" / f"{index}.png")
    for each in ("images", "damaged"):
        (folder / each / "damaged.png").write_bytes(b"no image")
    return folder


def logits_of(folder: Path) -> Tensor:
    """The logits of the model for the pixels."""
    images = preprocessing_of(SPEC)
    mean, std = torch.tensor(images.mean), torch.tensor(images.std)
    normalised = ((PIXELS / 255 - mean) / std).permute(0, 3, 1, 2)
    with torch.no_grad():
        return deit_spec.load_model(folder / "model.safetensors").model(normalised)


def export(folder: Path, name: str, **options: Any) -> Path:
    """Export the model, which takes pixels then, without comparing it."""
    takes: Any = {"input": "uint8", "layout": "nhwc"}
    model = folder / "model.safetensors"
    deit_spec.export(model, folder / name, check=False, **takes, **options)
    return folder / name


def test_pt2_in_bfloat16_takes_pixels_and_returns_float32(folder: Path) -> None:
    file = export(folder, "bf16.pt2", precision="bf16", taps=["blocks.0"])
    program = torch.export.load(file)
    logits, tap = program.module()(PIXELS)
    assert logits.dtype == tap.dtype == torch.float32
    assert relative_error(logits.numpy(), logits_of(folder)) < NEAR
    assert {each.dtype for each in program.state_dict.values()} == {torch.bfloat16}


def test_openvino_in_bfloat16_has_half_the_weights(folder: Path) -> None:
    file = export(folder, "bf16.xml", precision="bf16")
    weights = deit_spec.load(SPEC, target="inference").parameters()
    exact = sum(each.numel() * each.element_size() for each in weights)
    assert file.with_suffix(".bin").stat().st_size < 0.6 * exact
    logits = run_openvino(file, PIXELS, "bf16")["logits"]
    assert relative_error(logits, logits_of(folder)) < NEAR


@pytest.mark.parametrize(
    ("opset", "images"), [(20, "images"), (23, None), (23, "images")]
)
@pytest.mark.filterwarnings("ignore:DS611")
def test_onnx_in_int8(folder: Path, opset: int, images: str | None) -> None:
    options: Any = {"precision": "int8", "opset": opset}
    options["calibrate"] = images and folder / images
    file = export(folder, "int8.onnx", **options)
    logits = run_onnx(file, PIXELS)["logits"]
    assert relative_error(logits, logits_of(folder)) < NEAR
    graph = onnx.load(file).graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("Attention") == (SPEC.depth if opset == 23 else 0)
    multiplied = kinds.count("QuantizeLinear" if images else "MatMulInteger")
    assert multiplied >= 4 * SPEC.depth + 2
    matrices = [each.data_type for each in graph.initializer if len(each.dims) == 2]
    assert set(matrices) == {TensorProto.INT8}
    assert deit_spec.load_model(file).classes == tuple("abcde")


@pytest.mark.slow
def test_int8_has_the_same_bytes_each_time(folder: Path) -> None:
    options: Any = {"precision": "int8", "calibrate": folder / "images"}
    with pytest.warns(match="DS611: 1 of the 8 images for calibration cannot be read"):
        first, second = (
            export(folder, name, **options).read_bytes()
            for name in ("first.onnx", "second.onnx")
        )
    assert first == second


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:DS611")
def test_openvino_in_int8(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    options: Any = {"precision": "int8", "calibrate": folder / "images"}
    for batch in (None, 2):
        file = export(folder, "int8.xml", batch=batch, **options)
        logits = run_openvino(file, PIXELS[: batch or 7])["logits"]
        assert relative_error(logits, logits_of(folder)[: batch or 7]) < NEAR
    assert openvino_metadata(file)["deit_spec.classes"] == '["a", "b", "c", "d", "e"]'
    assert "FakeQuantize" in file.read_text()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("-o", "x.onnx", "--precision", "bf16"), "DS609", "--to openvino"),
        (("-o", "x.pt2", "--precision", "int8"), "DS609", "--to onnx"),
        (("-o", "x.xml", "--precision", "int8"), "DS610", "--calibrate DIR"),
        (
            ("-o", "x.onnx", "--precision", "int8", "--calibrate", "damaged"),
            "DS614",
            "damaged.png",
        ),
        (
            ("-o", "x.xml", "--precision", "int8", "--calibrate", "missing"),
            "DS614",
            "missing",
        ),
    ],
)
def test_what_cannot_be_exported_is_refused(
    options: tuple[str, ...], code: str, words: str, folder: Path
) -> None:
    found = run("export", "model.safetensors", *options, cwd=folder)
    assert (found.returncode, found.stdout) == (1, "")
    assert f"error[{code}]: " in found.stderr
    assert words in found.stderr
    assert not list(folder.glob("x.*"))


@pytest.mark.parametrize(
    "options",
    [
        ("-o", "x.onnx", "--calibrate", "images"),
        ("-o", "x.bin", "--to", "openvino"),
        ("-o", "x.onnx", "--precision", "int4"),
    ],
)
def test_options_that_contradict_are_wrong_usage(
    options: tuple[str, ...], folder: Path
) -> None:
    found = run("export", "model.safetensors", *options, cwd=folder)
    assert found.returncode == 2
    assert not list(folder.glob("x.*"))


def test_openvino_writes_both_files_or_neither(folder: Path) -> None:
    weights = folder / "blocked.bin"
    weights.mkdir()
    with pytest.raises(OSError, match=weights.name):
        export(folder, "blocked.xml")
    assert not (folder / "blocked.xml").exists()


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learnt to read digits."""
    folder = tmp_path_factory.mktemp("student") / "digits"
    found = run("train", "recipes/digits.yaml", "-o", str(folder))
    assert found.returncode == 0, found.stderr
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "calibrate", "takes"),
    [
        ("digits.onnx", None, "float"),
        ("digits.onnx", "digits", "uint8"),
        ("digits.xml", None, "float"),
    ],
)
def test_a_student_in_int8_agrees_on_the_images_held_out(
    name: str, calibrate: str | None, takes: Any, student: Path, tmp_path: Path
) -> None:
    """OpenVINO is calibrated with the images that the run was trained on."""
    result = deit_spec.export(
        student,
        tmp_path / name,
        input=takes,
        precision="int8",
        calibrate=calibrate,
        require=0.99,
    )
    assert result.check is not None
    assert not result.check.is_random
