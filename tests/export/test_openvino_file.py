"""An exported OpenVINO file computes what the model computes."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from hypothesis import given, settings
from support.execution import images_for
from support.exports import SMALL, metadata_of, relative_error, write_model
from support.openvino_files import openvino_metadata, run_openvino
from support.strategies import specs

import deit_spec
from deit_spec import DeiTSpec

CLOSE = 1e-5
NAMES = ('<"a" & b>', "é\n\t'", "[1, 2]", "true", " ")


@settings(max_examples=3)
@given(specs().filter(lambda spec: spec.num_classes is not None))
@pytest.mark.slow
def test_openvino_equals_torch_at_every_batch_size(spec: DeiTSpec) -> None:
    with TemporaryDirectory() as folder:
        model = write_model(Path(folder) / "model.safetensors", spec)
        deit_spec.export(model, file := Path(folder) / "model.xml")
        expected = deit_spec.load_model(model).model
        for batch in (1, 2, 7):
            images = images_for(spec, batch)
            with torch.no_grad():
                logits = expected(images)
            if spec.fusion == "mean_softmax" and spec.has_two_heads:
                logits = logits.log()
            found = run_openvino(file, images)["logits"]
            assert relative_error(found, logits) < CLOSE


def test_openvino_takes_pixels_and_keeps_names_and_metadata(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model.safetensors", DeiTSpec(**SMALL), NAMES)
    options = {"input": "uint8", "layout": "nhwc", "output": "topk", "k": 3}
    taps = ["blocks.1"]
    for name in ("model.xml", "model.onnx"):
        deit_spec.export(model, tmp_path / name, taps=taps, **options)  # type: ignore[arg-type]
    file = tmp_path / "model.xml"
    assert openvino_metadata(file) == metadata_of(tmp_path / "model.onnx")
    images = torch.randint(0, 256, (7, 8, 8, 1), dtype=torch.uint8)
    found = run_openvino(file, images)
    assert set(found) == {"probabilities", "classes", "blocks.1"}
    classifier = deit_spec.load_model(model)
    mean, std = (
        torch.tensor(each)
        for each in (classifier.preprocessing.mean, classifier.preprocessing.std)
    )
    normalised = ((images / 255 - mean) / std).permute(0, 3, 1, 2)
    with torch.no_grad():
        expected = classifier.model(normalised).softmax(dim=1).topk(3)
    assert relative_error(found["probabilities"], expected.values) < CLOSE
    assert torch.equal(torch.from_numpy(found["classes"]).long(), expected.indices)
