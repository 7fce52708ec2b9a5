"""The examples of the codes of export look as their pages show."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from deit_spec import compile  # noqa: A004
from deit_spec.cli import bench
from deit_spec.diagnostics import CATALOGUE, DiagnosedError, Diagnostic
from deit_spec.diagnostics.explanation import explanation
from deit_spec.diagnostics.text import render
from deit_spec.distill.prediction import UnreadableImage
from deit_spec.exporting import (
    calibration_images,
    export_model,
    onnx_file,
    prepared_model,
)
from deit_spec.exporting.bench_candidates import Combination
from deit_spec.exporting.bench_model import Skipped
from deit_spec.exporting.check_images import find_check_images
from deit_spec.exporting.compare_export import Comparison
from deit_spec.exporting.export_check import ExportCheck
from deit_spec.exporting.export_model import ExportFormat
from deit_spec.exporting.export_options import ExportOptions
from deit_spec.model.exported_interface import ExportedInterface
from deit_spec.model.preprocessing import Preprocessing

IMAGES = Preprocessing(8)
FILE = Path("pets.onnx")
ANY: Any = None


def large_weights() -> None:
    weights = torch.nn.Linear(632_182_784, 1, bias=False, device="meta")
    model: Any = SimpleNamespace(module=weights)
    onnx_file._require_room(model, Path("huge.onnx"))


def more_than_all_classes() -> None:
    options = ExportOptions(output="topk")
    graph = compile({"num_classes": 3}, target="inference").graph
    prepared_model._require_classes(graph, options, "runs/pets/spec.yaml")


def bfloat16() -> None:
    export_model._require_precision(FILE, ExportFormat.ONNX, "bf16")


def no_images_to_calibrate_with() -> None:
    with pytest.MonkeyPatch.context() as patch:
        random: Any = SimpleNamespace(is_random=True, warnings=())
        patch.setattr(calibration_images, "find_check_images", lambda *_, **__: random)
        calibration_images.find_calibration_images(ANY, IMAGES, None, Path("pets.xml"))


def unreadable_images() -> list[Diagnostic]:
    unreadable = [
        UnreadableImage("pets/train/cat/3.jpg", "cannot identify image file"),
        UnreadableImage("pets/train/dog/8.jpg", "image file is truncated"),
    ]
    images: Any = SimpleNamespace(unreadable=unreadable, names=range(256))
    return calibration_images.CalibrationImages(
        images, IMAGES, ExportedInterface(), Path("pets.xml")
    ).findings()


def another_top_class(require: float | None) -> list[Diagnostic]:
    return ExportCheck(
        Comparison(256, 0.1, 0.01, 248, "cats/17.jpg"),
        "logits",
        "256 of the 3,669 images held out by runs/pets",
        is_random=False,
        unreadable=(),
        runtime="ONNX Runtime 1.32.0",
        precision="int8",
        computed_in="int8 and float32",
    ).findings(FILE, require)


def no_images() -> None:
    Path("pets").mkdir()
    for name in ("cat.txt", "dog.txt"):
        Path("pets", name).touch()
    find_check_images(ANY, IMAGES, "pets")


def nothing_to_measure() -> list[Diagnostic]:
    found: list[Diagnostic] = []
    reason = "torch does not compute in int8"
    skipped = [
        Skipped(Combination(runtime, "int8", 0, 1), reason)
        for runtime in ("eager", "compile")
    ]
    trained: Any = SimpleNamespace(weights=Path("runs/digits/model.safetensors"))
    measured: Any = SimpleNamespace(skipped=skipped)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "report", found.extend)
        with pytest.raises(bench.typer.Exit):
            bench._fail_without_results(trained, measured)
    return found


MAKERS: dict[str, Callable[[], list[Diagnostic] | None]] = {
    "DS601": large_weights,
    "DS602": more_than_all_classes,
    "DS609": bfloat16,
    "DS610": no_images_to_calibrate_with,
    "DS611": unreadable_images,
    "DS612": lambda: another_top_class(None),
    "DS613": lambda: another_top_class(0.99),
    "DS614": no_images,
    "DS615": nothing_to_measure,
}


@pytest.mark.parametrize("code", MAKERS)
def test_it_looks_as_its_page_shows(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        (found,) = MAKERS[code]() or ()
    except DiagnosedError as error:
        (found,) = error.diagnostics
    (said,) = explanation(code).example
    assert f"{render((found,)).plain}\n" == said.text


def test_every_example_is_tested() -> None:
    """Other examples are files or commands, which run in the documentation."""
    texts = {
        code
        for code in CATALOGUE
        if code.startswith("DS6")
        and [part.language for part in explanation(code).example] == ["text"]
    }
    assert texts == set(MAKERS)
