"""An exported file is compared with its model before it takes its place."""

import json
from pathlib import Path
from subprocess import CompletedProcess
from typing import NamedTuple

import numpy as np
import onnx
import openvino
import pytest
import yaml
from support.commands import run as run_command
from support.exports import SMALL, write_model
from support.runs import make_run, save_digits

import deit_spec
from deit_spec import DeiTSpec
from deit_spec.exporting import export_model
from deit_spec.exporting.export_check import ExportCheckError
from deit_spec.exporting.export_model import ExportFormat
from deit_spec.exporting.prepared_model import PreparedModel


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the digits, which has held out 600 of them."""
    folder = tmp_path_factory.mktemp("run")
    spec = SMALL | {"num_classes": 10, "teacher_num_classes": 10}
    (folder / "small.yaml").write_text(yaml.safe_dump(spec))
    return make_run(folder / "run", f"student.spec={folder / 'small.yaml'}")


class Exported(NamedTuple):
    """The run as an ONNX file, and what the command said."""

    file: Path
    done: CompletedProcess[str]


@pytest.fixture(scope="module")
def exported(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    file = tmp_path_factory.mktemp("exported") / "digits.onnx"
    return Exported(file, export(run, file, "--output-format", "json"))


def export(model: Path, file: Path, *options: str) -> CompletedProcess[str]:
    return run_command("export", str(model), "-o", str(file), *options)


def corrupt(monkeypatch: pytest.MonkeyPatch, exported: Exported, factor: float) -> None:
    """Let the writer change a weight, by a multiple of the largest one."""

    def write(_: PreparedModel, path: Path) -> None:
        model = onnx.load(exported.file)
        (bias,) = (w for w in model.graph.initializer if w.name.endswith("head.bias"))
        values = np.array(onnx.numpy_helper.to_array(bias))
        values[0] += factor * np.abs(values).max()
        bias.CopyFrom(onnx.numpy_helper.from_array(values, bias.name))
        onnx.save(model, path)

    monkeypatch.setitem(export_model._WRITERS, ExportFormat.ONNX, write)


def test_a_run_is_compared_on_the_images_that_it_has_held_out(
    run: Path, exported: Exported
) -> None:
    done = exported.done
    assert done.returncode == 0, done.stderr
    check = json.loads(done.stdout)["check"]
    source = f"256 of the 600 images held out by {run}"
    assert (check["images"], check["source"], check["random"]) == (256, source, False)
    assert check["runtime"].startswith("ONNX Runtime ")
    assert check["computed_in"] == "float32"
    assert check["agreement"] == 1
    assert 0 < check["mean_error"] < check["largest_error"] < 1e-5
    assert check["worst_image"].startswith("digits[")
    assert source in done.stderr
    assert "same top-1 class: 256 of 256 images, 100.00 %" in done.stderr


@pytest.mark.parametrize(
    ("precision", "computed_in"),
    [("fp32", "float32"), ("bf16", "bfloat16"), ("int8", "int8 and float32")],
)
@pytest.mark.slow
def test_a_check_says_which_precision_openvino_computed_in(
    run: Path, tmp_path: Path, precision: str, computed_in: str
) -> None:
    """By default it would compute in bfloat16 on a CPU that can."""
    file, form = tmp_path / "digits.xml", ("--output-format", "json")
    done = export(run, file, "--precision", precision, *form)
    assert done.returncode == 0, done.stderr
    check = json.loads(done.stdout)["check"]
    assert check["runtime"].startswith("OpenVINO ")
    can_bf16 = "BF16" in openvino.Core().get_property(
        "CPU", "OPTIMIZATION_CAPABILITIES"
    )
    is_float32 = precision == "bf16" and not can_bf16
    assert check["computed_in"] == ("float32" if is_float32 else computed_in)
    assert (check["largest_error"] < 1e-5) == (check["computed_in"] == "float32")
    assert check["agreement"] > 0.97


@pytest.mark.parametrize("options", [(), ("--require", "50%")])
def test_a_corrupted_weight_is_found(
    run: Path,
    exported: Exported,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
) -> None:
    """With `--require` it is an error: what was there before is unchanged."""
    corrupt(monkeypatch, exported, 0.01)
    (tmp_path / "digits.onnx").write_text("before")
    done = export(run, tmp_path / "digits.onnx", *options)
    assert done.returncode == bool(options)
    assert f"[DS{'613' if options else '612'}]: the largest error is" in done.stderr
    assert ((tmp_path / "digits.onnx").read_bytes() == b"before") == bool(options)
    assert [path.name for path in tmp_path.iterdir()] == ["digits.onnx"]


def test_a_file_with_another_top_class_is_not_written(
    run: Path, exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corrupt(monkeypatch, exported, 100)
    with pytest.raises(ExportCheckError) as raised:
        deit_spec.export(run, tmp_path / "digits.onnx", require=0.99)
    messages = [each.message for each in raised.value.diagnostics]
    assert [each.code for each in raised.value.diagnostics] == ["DS613"] * 2
    assert "of 256 images" in messages[1]
    assert messages[1].endswith("below 99 %")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.pt2", ("--output", "probabilities", "--batch", "5")),
        ("a.pt2", ("--output", "topk", "--k", "2", "--input", "uint8")),
        ("a.pt2", ("--until", "blocks.0", "--layout", "nhwc")),
    ],
)
def test_every_interface_can_be_compared(
    run: Path, tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    """Digits have 17 values of a pixel, which are not those of a byte."""
    done = export(run, tmp_path / name, *options, "--output-format", "json")
    assert done.returncode == 0, done.stderr
    check = json.loads(done.stdout)["check"]
    assert check["agreement"] == (None if "--until" in options else 1)
    assert check["largest_error"] < 1e-5


def test_unreadable_images_are_named_and_left_out(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.safetensors", DeiTSpec(**SMALL))
    folder = save_digits(tmp_path / "digits", 3)
    (folder / "1.png").write_bytes(b"no image")
    file = tmp_path / "m.pt2"
    done = export(model, file, "--check", str(folder), "--output-format", "json")
    assert done.returncode == 0, done.stderr
    name = str(folder / "1.png")
    assert f"unreadable, left out: {name} (it is not an image)" in done.stderr
    check = json.loads(done.stdout)["check"]
    unreadable = [{"image": name, "reason": "it is not an image"}]
    assert (check["images"], check["unreadable"]) == (2, unreadable)
    assert check["source"] == f"2 of the 3 images in {folder}"


@pytest.mark.parametrize("content", [None, b"no image"])
def test_without_any_image_nothing_is_written(
    tmp_path: Path, content: bytes | None
) -> None:
    model = write_model(tmp_path / "m.safetensors", DeiTSpec(**SMALL))
    (folder := tmp_path / "images").mkdir()
    if content is not None:
        (folder / "1.png").write_bytes(content)
    done = export(model, tmp_path / "m.pt2", "--check", str(folder))
    assert done.returncode == 1
    assert "error[DS614]" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"images", "m.safetensors"}


def test_a_check_on_random_pixels_proves_little(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.safetensors", DeiTSpec(**SMALL))
    done = export(model, tmp_path / "m.pt2")
    assert "16 images of random pixels" in done.stderr
    assert "random pixels prove little" in done.stderr
    done = export(model, tmp_path / "m.pt2", "--no-check", "--output-format", "json")
    assert json.loads(done.stdout)["check"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--require", "101%"), "'101%' is not a share such as 0.99 or 99%"),
        (("--require", "high"), "'high' is not a share such as 0.99 or 99%"),
        (("--no-check", "--require", "1"), "--no-check cannot be used with --require"),
        (("--no-check", "--check", "a"), "--no-check cannot be used with --check"),
    ],
)
def test_options_that_cannot_be_met_are_wrong_usage(
    run: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    done = export(run, tmp_path / "a.pt2", *options)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize("options", [{"require": 99}, {"require": 1, "check": False}])
def test_a_requirement_is_a_share_and_needs_a_check(
    run: Path, tmp_path: Path, options: dict[str, float]
) -> None:
    with pytest.raises(ValueError, match="require"):
        deit_spec.export(run, tmp_path / "a.pt2", **options)  # type: ignore[arg-type]
