"""`deit-spec export` writes a file, or says why it does not."""

import json
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from support.commands import run
from support.exports import SMALL, run_onnx, write_model

import deit_spec
from deit_spec import DeiTSpec
from deit_spec.distill import optional_packages
from deit_spec.exporting import export_model
from deit_spec.exporting.export_model import ExportFormat

MODEL = "model.safetensors"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_model(tmp_path / MODEL, DeiTSpec(**SMALL), ["a", "b", "c", "d", "e"])
    return tmp_path


def files(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_the_options_are_those_of_the_function(place: Path) -> None:
    options = ["--input", "uint8", "--layout", "nhwc", "--output", "topk", "--k", "2"]
    more = ["--batch", "3", "--tap", "blocks.*", "--no-check"]
    done = run("export", MODEL, "-o", "model.pt2", *options, *more, cwd=place)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("wrote model.pt2: ")
    exported = torch.export.load(place / "model.pt2").module()
    pixels = torch.zeros(3, 8, 8, 1, dtype=torch.uint8)
    shapes = [tuple(value.shape) for value in exported(pixels)]
    assert shapes == [(3, 2), (3, 2), (3, 6, 8), (3, 6, 8)]
    assert files(place) == ["model.pt2", MODEL]
    drawn = run("render", "model.pt2", "--output-format", "json", cwd=place)
    graph = json.loads(drawn.stdout)
    assert [*graph["outputs"]] == ["probabilities", "classes"]
    assert [*graph["taps"]] == ["blocks.0", "blocks.1"]
    sizes = [dim["size"] for dim in graph["nodes"][0]["shape"][1:]]
    assert sizes == [8, 8, 1]
    options = ["--output-format", "json", "--until", "blocks.1"]
    ended = json.loads(run("render", "model.pt2", *options, cwd=place).stdout)
    assert not any(node["path"].startswith("head") for node in ended["nodes"])
    assert [*ended["outputs"].values()] == ["blocks.1.add2"]


def test_another_extension_needs_the_format(place: Path) -> None:
    done = run("export", MODEL, "-o", "weights.bin", "--to", "onnx", cwd=place)
    assert (done.returncode, done.stdout) == (0, "")
    assert files(place) == [MODEL, "weights.bin"]
    images = torch.zeros(2, 1, 8, 8)
    assert run_onnx(place / "weights.bin", images)["logits"].shape == (2, 5)


def test_weights_of_openvino_do_not_overwrite_those_of_the_model(place: Path) -> None:
    (place / "spec.json").write_text(json.dumps(SMALL))
    torch.save(load_file(place / MODEL), place / "model.bin")
    before = (place / "model.bin").read_bytes()
    arguments = ["--weights", "model.bin", "-o", "model.xml", "--no-check"]
    done = run("export", "spec.json", *arguments, cwd=place)
    assert done.returncode == 2
    assert "-o model.bin would overwrite an input" in done.stderr
    assert (place / "model.bin").read_bytes() == before


def test_a_file_in_the_folder_of_the_model_is_replaced(place: Path) -> None:
    (place / "spec.yaml").write_text(json.dumps(SMALL))
    for _ in range(2):
        done = run("export", ".", "-o", "m.xml", "--no-check", cwd=place)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert files(place) == ["m.bin", "m.xml", MODEL, "spec.yaml"]


def test_assumed_preprocessing_is_noted(place: Path) -> None:
    spec = place / "spec.yaml"
    spec.write_text("".join(f"{key}: {value}\n" for key, value in SMALL.items()))
    torch.save({"model": load_file(place / MODEL)}, place / "weights.pth")
    arguments = ["--weights", "weights.pth", "-o", "model.pt2", "--no-check"]
    done = run("export", "spec.yaml", *arguments, cwd=place)
    assert done.returncode == 0
    assert "note[DS423]: the preprocessing is assumed" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["-o", "model.bin"], 2, "must be one of .onnx, .pt2, .xml"),
        (["-o", "-", "--to", "onnx"], 2, "-o - is standard output"),
        (
            ["-o", "missing/model.pt2"],
            2,
            "cannot write missing/model.pt2: no such file",
        ),
        (["-o", MODEL, "--to", "pt2"], 2, "would overwrite an input"),
        (["-o", "m.pt2", "--batch", "0"], 2, "neither dynamic nor a number above 0"),
        (["-o", "m.pt2", "--batch", "9" * 20], 2, "batch must be from 1 to 1024"),
        (["-o", "m.onnx", "--opset", "17"], 2, "17 is not at least 18"),
        (["-o", "m.pt2", "--opset", "20"], 2, "--opset is for ONNX files"),
        (["-o", "m.pt2", "--k", "3"], 2, "--k is for --output topk"),
        (["-o", "m.pt2", "--output", "topk", "--k", "6"], 1, "DS602"),
        (["-o", "m.pt2", "--until", "norm", "--output", "topk"], 1, "DS602"),
        (["-o", "m.pt2", "--tap", "blocks.9"], 1, "DS302"),
        (["-o", "m.pt2", "--merge-tokens", "99"], 1, "DS214"),
    ],
)
def test_what_cannot_be_exported_leaves_nothing(
    place: Path, arguments: list[str], code: int, text: str
) -> None:
    done = run("export", MODEL, *arguments, "--no-check", cwd=place)
    assert done.returncode == code
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert files(place) == [MODEL]


@pytest.mark.parametrize("name", ["m.ONNX", "m.PT2", "m.XML"])
def test_an_extension_in_capitals_is_written_and_read(place: Path, name: str) -> None:
    done = run("export", MODEL, "-o", name, "--no-check", cwd=place)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    images = torch.zeros(2, 1, 8, 8)
    expected = deit_spec.load_model(place / MODEL).model.predict(images)
    found = deit_spec.load_model(place / name).model(images)
    torch.testing.assert_close(found, expected)


def test_a_terminated_export_leaves_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object) -> None:
        assert len(files(place)) > 1  # the folder for temporary files
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setitem(export_model._WRITERS, ExportFormat.ONNX, end)
    done = run("export", MODEL, "-o", "model.onnx", "--no-check", cwd=place)
    assert done.returncode == 128 + signal.SIGTERM
    assert files(place) == [MODEL]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = optional_packages.find_spec
    monkeypatch.setattr(
        optional_packages,
        "find_spec",
        lambda name: None if name == "onnx" else find(name),
    )
    done = run("export", MODEL, "-o", "model.onnx", "--no-check", cwd=place)
    assert done.returncode == 2
    assert 'need onnx: pip install "deit-spec[onnx]"' in done.stderr
    assert files(place) == [MODEL]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_reported(place: Path) -> None:
    (place / "model.pt2").symlink_to("/dev/full")
    done = run("export", MODEL, "-o", "model.pt2", "--no-check", cwd=place)
    assert done.returncode == 2
    assert "cannot write model.pt2: no space left on device" in done.stderr
    assert (place / "model.pt2").readlink() == Path("/dev/full")
