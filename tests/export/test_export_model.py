"""An exported file computes what the model computes."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from hypothesis import given, settings
from support.execution import images_for
from support.exports import SMALL, relative_error, run_onnx, write_model
from support.strategies import specs

import deit_spec
from deit_spec import DeiTSpec, Variant

CLOSE = 1e-5


@settings(max_examples=6)
@given(specs().filter(lambda spec: spec.num_classes is not None))
@pytest.mark.slow
def test_onnx_equals_torch_at_every_batch_size(spec: DeiTSpec) -> None:
    with TemporaryDirectory() as folder:
        model = write_model(Path(folder) / "model.safetensors", spec)
        deit_spec.export(model, file := Path(folder) / "model.onnx")
        expected = deit_spec.load_model(model).model
        for batch in (1, 2, 7):
            images = images_for(spec, batch)
            with torch.no_grad():
                logits = expected(images)
            if spec.fusion == "mean_softmax" and spec.has_two_heads:
                logits = logits.log()
            found = run_onnx(file, images)["logits"]
            assert relative_error(found, logits) < CLOSE


def test_pt2_is_bit_equal_with_the_same_tensors(tmp_path: Path) -> None:
    """A kernel may round differently for tensors at other places in memory."""
    spec = DeiTSpec(**SMALL, variant=Variant(merge_tokens=1))
    model = write_model(tmp_path / "model.safetensors", spec)
    deit_spec.export(model, file := tmp_path / "model.pt2")
    program = torch.export.load(file)
    exported, expected = program.module(), deit_spec.load_model(model).model
    for name, value in expected.state_dict().items():
        assert torch.equal(program.state_dict[name], value)
    expected.load_state_dict(program.state_dict, assign=True)
    for batch in (1, 2, 7):
        images = images_for(spec, batch)
        with torch.no_grad():
            assert torch.equal(exported(images), expected(images))
