"""An exported file computes what the model computes, and describes itself."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import Phase, assume, given, settings
from support.execution import images_for
from support.exports import (
    SMALL,
    metadata_of,
    relative_error,
    run_onnx,
    write_model,
)
from support.openvino_files import openvino_metadata, run_openvino
from support.strategies import has_ties, merging_specs
from torch import Tensor

import deit_spec
from deit_spec import DeiTSpec, Variant
from deit_spec.exporting import onnx_file
from deit_spec.model.exported_interface import (
    METADATA_DIGEST,
    ExportedInterface,
    metadata_digest,
)
from deit_spec.model.preprocessing import Preprocessing

CLOSE = 1e-5
NAMES = ('<"a" & b>', "été\n\t'", "[1, 2]", "雪", " ")
TAPS = ("head_dist", "blocks.*.attn.weights.cls", "norm")


@pytest.mark.parametrize(("suffix", "run"), [("onnx", run_onnx), ("xml", run_openvino)])
@settings(max_examples=5, phases=[Phase.generate])  # to shrink a failure takes minutes
@given(merging_specs().filter(lambda s: s.num_classes and not has_ties(s)))
@pytest.mark.slow
def test_files_equal_torch_at_every_batch_size(
    suffix: str, run: Callable[[Path, Tensor], dict[str, Any]], spec: DeiTSpec
) -> None:
    with TemporaryDirectory() as folder:
        model = write_model(Path(folder) / "model.safetensors", spec)
        expected, exact = (
            deit_spec.load_model(model, dtype=dtype).model
            for dtype in ("float32", "float64")
        )
        deit_spec.export(model, file := Path(folder) / f"model.{suffix}", check=False)
        for batch in (1, 2, 7):
            images = images_for(spec, batch)
            with torch.no_grad():
                logits, wanted = expected(images), exact(images.double())
            # float32 does not determine the result, as for a norm of two channels.
            assume(relative_error(logits.numpy(), wanted) < CLOSE / 10)
            if spec.fusion == "mean_softmax" and spec.has_two_heads:
                logits = logits.log()
            found = run(file, images)["logits"]
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


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model, and its ONNX file with every option, beside that of OpenVINO."""
    folder = tmp_path_factory.mktemp("served")
    spec = DeiTSpec(**SMALL, variant=Variant(fusion="cls", merge_tokens=1))
    model = write_model(folder / "model.safetensors", spec, NAMES)
    takes: Any = {"input": "uint8", "layout": "nhwc"}
    for name in ("model.onnx", "model.xml"):
        returns: Any = {"output": "topk", "k": 3, "taps": TAPS[:1]}
        deit_spec.export(model, folder / name, **takes, **returns)
    return model, folder / "model.onnx"


def test_pixels_give_the_top_classes_of_normalised_images(
    served: tuple[Path, Path],
) -> None:
    model, file = served
    classifier = deit_spec.load_model(model)
    mean, std = classifier.preprocessing.mean[0], classifier.preprocessing.std[0]
    pixels = torch.randint(256, (7, 8, 8, 1), dtype=torch.uint8)
    images = ((pixels.double() / 255 - mean) / std).float().permute(0, 3, 1, 2)
    tapped = deit_spec.load(model, target="inference", taps=TAPS[:1]).eval()
    with torch.no_grad():
        top = classifier.model(images).softmax(dim=1).topk(3)
        tap = tapped(images).taps[TAPS[0]]
    for found in (
        run_onnx(file, pixels),
        run_openvino(file.with_suffix(".xml"), pixels),
    ):
        assert list(found) == ["probabilities", "classes", TAPS[0]]
        assert np.array_equal(found["classes"], top.indices)
        assert relative_error(found["probabilities"], top.values) < CLOSE
        assert relative_error(found[TAPS[0]], tap) < CLOSE


def test_metadata_has_all_parts_of_the_model(served: tuple[Path, Path]) -> None:
    model, file = served
    metadata, classifier = metadata_of(file), deit_spec.load_model(model)
    assert openvino_metadata(file.with_suffix(".xml")) == metadata
    assert json.loads(metadata["deit_spec.classes"]) == list(NAMES)
    spec = deit_spec.load_spec(json.loads(metadata["deit_spec.spec"]))
    assert spec == classifier.spec
    written = file.with_suffix(".yaml")
    written.write_text(metadata["deit_spec.yaml"], encoding="utf-8")
    assert deit_spec.load_spec(written) == classifier.spec
    assert metadata["deit_spec.digest"] == classifier.spec.digest
    text = metadata["deit_spec.preprocessing"]
    assert Preprocessing.from_json(text) == classifier.preprocessing
    assert ExportedInterface.from_json(
        metadata["deit_spec.interface"]
    ) == ExportedInterface("uint8", "nhwc", "topk", 3, None, "fp32", TAPS[:1])
    assert metadata[METADATA_DIGEST] == metadata_digest(metadata)


@pytest.mark.slow
def test_files_are_deterministic_and_free_of_paths(tmp_path: Path) -> None:
    """Weights that are not read are not in them either."""
    spec = DeiTSpec(**SMALL, variant=Variant(fusion="cls"))
    model = write_model(tmp_path / "model.safetensors", spec)
    for suffix in ("onnx", "pt2"):
        first, second = (tmp_path / f"{name}.{suffix}" for name in ("a", "b"))
        for file in (first, second):
            deit_spec.export(model, file)
        assert first.read_bytes() == second.read_bytes()
        for name in (b"head_dist", b"stack_trace", str(tmp_path).encode()):
            assert name not in first.read_bytes()


def test_taps_and_ends_are_outputs(tmp_path: Path) -> None:
    spec = DeiTSpec(**SMALL)
    model = write_model(tmp_path / "model.safetensors", spec)
    result = deit_spec.export(model, file := tmp_path / "model.onnx", taps=TAPS)
    images = images_for(spec, 3)
    expected = deit_spec.load(model, target="inference", taps=TAPS).eval()
    with torch.no_grad():
        logits, taps = expected(images)
    found = run_onnx(file, images)
    assert tuple(found) == result.interface.outputs
    assert found.keys() == {"logits", *taps}
    for name, value in {"logits": logits, **taps}.items():
        assert relative_error(found[name], value) < CLOSE
    result = deit_spec.export(model, file, until="blocks.0", batch=2)
    wanted = ExportedInterface(output="features", batch=2, until="blocks.0")
    assert result.interface == wanted
    assert run_onnx(file, images[:2])["features"].shape == (2, 6, 8)


@pytest.mark.parametrize("opset", [20, 23])
def test_the_opset_follows_from_the_runtime(
    opset: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newer one has a node of attention for each block, which splits the heads."""
    spec, known = DeiTSpec(**SMALL), opset == 23
    model = write_model(tmp_path / "model.safetensors", spec)
    monkeypatch.setattr(onnx_file, "_takes_attention", lambda: known)
    deit_spec.export(model, file := tmp_path / "model.onnx", check=False)
    found = onnx.load(file)
    assert found.opset_import[0].version == opset
    nodes = found.graph.node
    operators = Counter(node.op_type for node in nodes)
    assert operators["Attention"] == operators["Split"] == spec.depth * known
    assert bool(operators["Squeeze"]) is not known
    attention = [node for node in nodes if node.op_type == "Attention"]
    heads = [{each.name: each.i for each in node.attribute} for node in attention]
    assert heads == [{"q_num_heads": 2, "kv_num_heads": 2}] * len(attention)
    images = images_for(spec, 3)
    with torch.no_grad():
        logits = deit_spec.load_model(model).model(images)
    assert relative_error(run_onnx(file, images)["logits"], logits) < CLOSE
