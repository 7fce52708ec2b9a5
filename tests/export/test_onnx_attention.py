"""The attention of an ONNX file is one node with the heads in it."""

from collections import Counter
from pathlib import Path

import onnx
import pytest
import torch
from support.execution import images_for
from support.exports import SMALL, relative_error, run_onnx, write_model

import deit_spec
from deit_spec import DeiTSpec


def test_each_block_has_one_attention_node_that_splits_the_heads(
    tmp_path: Path,
) -> None:
    spec = DeiTSpec(**SMALL)
    model = write_model(tmp_path / "model.safetensors", spec)
    deit_spec.export(model, file := tmp_path / "model.onnx", check=False)
    found = onnx.load(file).graph.node
    count = Counter(node.op_type for node in found)
    assert count["Attention"] == count["Split"] == spec.depth
    assert count["Squeeze"] == 0
    for node in found:
        if node.op_type == "Attention":
            heads = {each.name: each.i for each in node.attribute}
            assert heads == dict.fromkeys(("q_num_heads", "kv_num_heads"), 2)
    images = images_for(spec, 3)
    with torch.no_grad():
        logits = deit_spec.load_model(model).model(images)
    assert relative_error(run_onnx(file, images)["logits"], logits) < 1e-5


@pytest.mark.parametrize(
    "options",
    [{"taps": ["blocks.0.attn.weights"]}, {"opset": 20}],
    ids=["a tap of the weights", "an older opset"],
)
def test_other_attention_is_left_as_it_is(
    tmp_path: Path, options: dict[str, object]
) -> None:
    spec = DeiTSpec(**SMALL)
    model = write_model(tmp_path / "model.safetensors", spec)
    file = tmp_path / "model.onnx"
    deit_spec.export(model, file, check=False, **options)  # type: ignore[arg-type]
    images = images_for(spec, 3)
    with torch.no_grad():
        logits = deit_spec.load_model(model).model(images)
    assert relative_error(run_onnx(file, images)["logits"], logits) < 1e-5
