"""An exported file is a model: every part of it comes back, and nothing else passes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.commands import SPECS, run
from support.exported_files import (
    CLASSES,
    IMAGES,
    SPEC,
    SUFFIXES,
    Linear,
    metadata,
    sealed,
    write,
)
from support.recipes import write_images

import deit_spec
from deit_spec.diagnostics import DiagnosedError
from deit_spec.distill import optional_packages
from deit_spec.distill.confusion_matrix import ConfusionMatrix
from deit_spec.distill.evaluation import evaluate
from deit_spec.distill.scored_images import data_override, open_scored_images
from deit_spec.distill.trained_model import find_model
from deit_spec.model.exported_file import read_exported
from deit_spec.model.exported_interface import (
    INTERFACE,
    METADATA_DIGEST,
    ExportedInterface,
)
from deit_spec.model.exported_metadata import read_metadata
from deit_spec.weights import make_metadata

BYTES = ExportedInterface("uint8", "nhwc", "topk", k=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of each format, and others for each output; and an image."""
    folder = tmp_path_factory.mktemp("exported")
    for suffix in SUFFIXES:
        write(folder / f"model{suffix}")
    write(folder / "top.onnx", BYTES)
    write(folder / "features.onnx", ExportedInterface(output="features"))
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
    Image.fromarray(pixels).save(folder / "image.png")
    return folder


def refused(path: Path) -> str:
    with pytest.raises(DiagnosedError) as raised:
        read_exported(path)
    (found,) = raised.value.diagnostics
    return found.code


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_part_comes_back(suffix: str, folder: Path) -> None:
    path = folder / f"model{suffix}"
    found = read_exported(path)
    assert found.metadata == metadata()
    assert (found.spec, found.classes) == (SPEC, CLASSES)
    assert found.preprocessing == IMAGES
    assert found.interface == ExportedInterface()
    assert deit_spec.load_spec(path) == SPEC


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=5)
@given(names=st.lists(st.text("aß你\n\t\"'<&>\\ ", min_size=1), min_size=1))
def test_metadata_comes_back_byte_for_byte(
    suffix: str, names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / f"names{suffix}"
    wanted = {"deit_spec.classes": json.dumps(names), "deit_spec.yaml": "".join(names)}
    write(path, values=wanted)
    assert read_metadata(path).values == wanted


@pytest.mark.parametrize("key", metadata())
@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_edited_metadata_is_refused(suffix: str, key: str, tmp_path: Path) -> None:
    """Whichever value was changed or removed."""
    whole = metadata()
    path = tmp_path / f"model{suffix}"
    write(path, values={**whole, key: whole[key].replace("0", "1") + " "})
    assert refused(path) == "DS606"
    write(path, values={name: whole[name] for name in whole if name != key})
    needed = key in {INTERFACE, "deit_spec.spec"}
    assert refused(path) == ("DS605" if needed else "DS606")


def test_parts_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    """Even if the digest matches the metadata."""
    whole = metadata()
    del whole[METADATA_DIGEST]
    for key, text, code in (
        ("deit_spec.classes", '["cat", "dog"]', "DS606"),
        ("deit_spec.classes", "7", "DS606"),
        (INTERFACE, '{"input": "text"}', "DS606"),
        ("deit_spec.preprocessing", IMAGES.to_json().replace("8", "9"), "DS425"),
        ("deit_spec.digest", "0" * 12, "DS425"),
        ("deit_spec.spec", '{"image_size": 7}', "DS201"),
    ):
        path = write(tmp_path / "model.onnx", values=sealed({**whole, key: text}))
        assert refused(path) == code


def test_files_of_others_and_damaged_files_are_refused(
    folder: Path, tmp_path: Path
) -> None:
    for suffix in SUFFIXES:
        path = write(tmp_path / f"model{suffix}", values={"other": "value"})
        assert refused(path) == "DS605"
        path.write_bytes(b"<net>")
        assert refused(path) == "DS607"
    path = tmp_path / "alone.xml"
    path.write_bytes((folder / "model.xml").read_bytes())
    assert refused(path) == "DS607"
    assert refused(tmp_path / "missing.onnx") == "DS607"


@given(share=st.floats(0, 0.99), suffix=st.sampled_from(SUFFIXES))
def test_a_truncated_file_is_refused(
    share: float, suffix: str, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An XML file without its last line break, which is not truncated, is left out."""
    data = (folder / f"model{suffix}").read_bytes()
    path = tmp_path_factory.getbasetemp() / f"truncated{suffix}"
    path.with_suffix(".bin").touch()
    path.write_bytes(data[: int(share * len(data))])
    assert refused(path) in {"DS605", "DS606", "DS607"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_classifier_of_a_file_predicts_as_its_model(
    suffix: str, folder: Path
) -> None:
    classifier = deit_spec.load_model(folder / f"model{suffix}")
    assert (classifier.spec, classifier.classes) == (SPEC, CLASSES)
    image = folder / "image.png"
    logits = Linear()(classifier.transform(image)[None])
    wanted = logits.softmax(1)[0].sort(descending=True)
    guesses = classifier.predict(image, topk=10)
    assert [each.category for each in guesses] == wanted.indices.tolist()
    found = torch.tensor([each.probability for each in guesses])
    assert found.allclose(wanted.values.float(), atol=1e-6)
    (many,) = {len(each) for each in classifier.predict([image] * 3, batch_size=2)}
    assert many == 5


def test_a_classifier_has_the_limits_of_its_file(folder: Path) -> None:
    image = folder / "image.png"
    top = deit_spec.load_model(folder / "top.onnx").predict(image, topk=10)
    best = deit_spec.load_model(folder / "model.onnx").predict(image, topk=3)
    assert [each.category for each in top] == [each.category for each in best]
    for found, wanted in zip(top, best, strict=True):
        assert found.probability == pytest.approx(wanted.probability, abs=1e-6)
    features = deit_spec.load_model(folder / "features.onnx")
    with pytest.raises(ValueError, match="returns features"):
        features.predict(image)
    with pytest.raises(ValueError, match="runs on the CPU, in float32"):
        deit_spec.load_model(folder / "top.onnx", dtype="float64")


@pytest.mark.parametrize("model", ["model.onnx", "model.xml", "model.pt2"])
def test_evaluate_scores_the_output_of_the_file(model: str, folder: Path) -> None:
    """As the fused heads of its spec; the scores are those of the model in torch."""
    options = ("--data", "digits", "--confusion", "--output-format", "json")
    done = run("evaluate", model, *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    heads, confusion = printed["heads"], printed["confusion"]
    trained = find_model(str(folder / model))
    images = open_scored_images(trained, data=data_override("digits"))
    matrix = ConfusionMatrix(len(images.data.classes))
    batches = images.data.val(64)
    scores = evaluate(Linear(), batches, fusion=SPEC.fusion, confusion=matrix).cls
    assert confusion["head"] == "fused"
    assert confusion["matrix"] == matrix.counts.tolist()
    assert (heads["cls"], heads["dist"]) == (None, None)
    assert heads["fused"]["top1"] == pytest.approx(scores.top1)
    assert heads["fused"]["nll"] == pytest.approx(scores.nll, rel=1e-5)


def test_scores_that_a_file_does_not_show_are_left_out(folder: Path) -> None:
    done = run("evaluate", "top.onnx", "--data", "digits", cwd=folder)
    (row,) = (line for line in done.stdout.splitlines() if line.startswith("fused"))
    assert row.split()[3:5] == ["-", "-"]
    assert "the file returns 3 classes for each image\n" in done.stdout


def test_a_file_may_return_the_classes_of_the_teacher(tmp_path: Path) -> None:
    """`load_model` runs it, but the labels of images are other classes."""
    values = {
        "num_classes": 3,
        "teacher_num_classes": 10,
        "variant": {"fusion": "dist"},
    }
    spec = deit_spec.load_spec({**SPEC.model_dump(exclude=values.keys()), **values})
    own = make_metadata(spec, IMAGES.to_json())
    whole = {**metadata(), **own}
    del whole["deit_spec.classes"]
    path = write(tmp_path / "model.onnx", values=sealed(whole))
    module = deit_spec.load_model(path).model
    assert module(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    write_images(tmp_path / "images", "abc")
    done = run("evaluate", str(path), "--data", str(tmp_path / "images"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "returns the 10 classes of its teacher" in done.stderr


def test_predict_prints_the_classes_of_the_file(folder: Path) -> None:
    wanted = deit_spec.load_model(folder / "top.onnx").predict(folder / "image.png")
    done = run("predict", "top.onnx", "image.png", "--output-format", "csv", cwd=folder)
    assert done.stderr == "note: the file returns 3 classes for each image\n"
    _, *rows = done.stdout.splitlines()
    names = [row.split(",")[1:5] for row in rows]
    assert names == [
        ["fused", str(rank), str(each.category), each.label]
        for rank, each in enumerate(wanted, 1)
        if isinstance(each, tuple)
    ]
    done = run("predict", "top.onnx", "image.png", "--device", "cuda", cwd=folder)
    assert (done.returncode, "runs on the CPU" in done.stderr) == (2, True)
    done = run("predict", "features.onnx", "image.png", cwd=folder)
    assert (done.returncode, "returns features" in done.stderr) == (2, True)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_inspect_prints_what_is_in_the_file(suffix: str, folder: Path) -> None:
    name = f"model{suffix}"
    done = run("weights", "inspect", name, cwd=folder)
    assert done.stdout.endswith(metadata()["deit_spec.yaml"])
    assert "# input: images, float32 [B, 1, 8, 8], normalised\n" in done.stdout
    done = run("weights", "inspect", name, "--output-format", "json", cwd=folder)
    found = json.loads(done.stdout)
    assert deit_spec.load_spec(found["spec"]) == SPEC
    assert (found["classes"], found["digest"]) == ([*CLASSES], SPEC.digest)
    assert found["weights_digest"] == "0" * 64
    files = [folder / name, *([folder / "model.bin"] if suffix == ".xml" else [])]
    assert found["bytes"] == sum(each.stat().st_size for each in files)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "command",
    [
        "weights plan SPEC FILE",
        "weights convert FILE -o out --to hf",
        "weights convert SPEC FILE -o out --to timm",
        "predict SPEC image.png --weights FILE",
        "predict FILE image.png --weights FILE",
        "attribute FILE image.png -o out",
        "export FILE -o out.onnx",
        "train recipe.yaml -o run",
    ],
)
def test_an_exported_file_is_no_checkpoint(
    command: str, suffix: str, folder: Path
) -> None:
    spec, file = str(SPECS / "tiny.yaml"), f"model{suffix}"
    (folder / "recipe.yaml").write_text(
        f"student: {{spec: {spec}, weights: {file}}}\n"
        "teacher: null\nloss: {kind: none}\ndata: {builtin: digits}\n"
        "schedule: {steps: 1, warmup_steps: 0}\n"
    )
    words = command.replace("SPEC", spec).replace("FILE", file).split()
    done = run(*words, cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[DS608]" in done.stderr
    assert f" --> {file}:1:1\n" in done.stderr
    assert not [*folder.glob("out*")]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_python_refuses_to_train_or_to_attribute_a_file(
    suffix: str, folder: Path
) -> None:
    path = folder / f"model{suffix}"
    classifier = deit_spec.load_model(path)
    for call in (
        lambda: deit_spec.load(path),
        lambda: deit_spec.load(SPEC, weights=path),
        lambda: deit_spec.load_model(path, target="train"),
        lambda: deit_spec.attribute(path, folder / "image.png"),
        lambda: deit_spec.attribute(classifier, folder / "image.png"),
    ):
        with pytest.raises(deit_spec.WeightsError) as raised:
            call()
        assert [each.code for each in raised.value.diagnostics] == ["DS608"]


@pytest.mark.parametrize(
    ("model", "package", "extra"),
    [("model.onnx", "onnxruntime", "onnx"), ("model.xml", "openvino", "openvino")],
)
def test_a_missing_engine_is_named_with_its_installation(
    model: str, package: str, extra: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = optional_packages.find_spec
    monkeypatch.setattr(
        optional_packages,
        "find_spec",
        lambda name: None if name == package else installed(name),
    )
    done = run("predict", model, "image.png", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert f'need {package}: pip install "deit-spec[{extra}]"' in done.stderr
    assert run("weights", "inspect", model, cwd=folder).returncode == 0
