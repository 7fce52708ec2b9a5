"""Model folders of every kind, and what is wrong with those that cannot be used."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from support.checkpoints import DISTILLED, state_of
from support.models import NAMES, SIZE, edit_json, hf_folder, timm_folder
from support.runs import make_run

import deit_spec
from deit_spec.diagnostics import DiagnosedError
from deit_spec.model.model_folder import Kind, ModelFolder, open_model_folder
from deit_spec.model.preprocessing import (
    DIGITS_MEAN,
    DIGITS_STD,
    Preprocessing,
    preprocessing_of,
)
from deit_spec.pipeline import SpecError
from deit_spec.weights import safetensors_file
from deit_spec.weights.spec_metadata import make_metadata

DIGITS = Preprocessing(8, 1, 1.0, mean=DIGITS_MEAN, std=DIGITS_STD)
DIGIT_NAMES = tuple("0123456789")


@pytest.fixture
def run_folder(trained_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained_run, tmp_path / "run")


def test_a_run_and_its_weights_alone(trained_run: Path, tmp_path: Path) -> None:
    """The file alone has all that the folder has."""
    shutil.copy(trained_run / "model.safetensors", tmp_path / "a.safetensors")
    opened = open_model_folder(trained_run)
    alone = open_model_folder(tmp_path / "a.safetensors")
    assert (opened.kind, alone.kind) == (Kind.RUN, Kind.FILE)
    for each in (opened, alone):
        assert each.spec == deit_spec.load_spec(trained_run / "spec.yaml")
        assert each.preprocessing == DIGITS
        assert each.classes == DIGIT_NAMES
        assert each.diagnostics == ()


def test_a_run_without_metadata_uses_its_recipe(tmp_path: Path) -> None:
    opened = open_model_folder(
        make_run(tmp_path / "run", "data.mean=[0.25]", "data.std=[0.5]")
    )
    assert opened.preprocessing == Preprocessing(8, 1, 1.0, "bicubic", (0.25,), (0.5,))
    assert opened.classes == DIGIT_NAMES


@pytest.mark.parametrize(
    ("kind", "heads", "preprocessing"),
    [
        (
            "DeiTForImageClassificationWithTeacher",
            (5, 5),
            (8 / 9, "bicubic", "exact"),
        ),
        ("DeiTForImageClassification", (5, None), (8 / 9, "bicubic", "exact")),
        ("ViTForImageClassification", (5, None), (1.0, "bilinear", "exact")),
    ],
)
def test_folders_of_transformers(
    tmp_path: Path, kind: str, heads: Any, preprocessing: Any
) -> None:
    hf_folder(tmp_path, kind, layer_norm_eps=1e-5)
    opened = open_model_folder(tmp_path)
    assert opened.kind is Kind.HF
    assert (opened.spec.num_classes, opened.spec.teacher_num_classes) == heads
    assert (opened.spec.num_heads, opened.spec.variant.layer_norm_eps) == (6, 1e-5)
    crop, filter_, resize = preprocessing
    half = (0.5, 0.5, 0.5)
    assert opened.preprocessing == Preprocessing(
        SIZE, 3, crop, filter_, half, half, resize, "floor"
    )
    assert opened.classes == NAMES


@pytest.mark.parametrize(
    "name", ["deit_tiny_distilled_patch16_224", "vit_tiny_patch16_224"]
)
def test_folders_of_timm(tmp_path: Path, name: str) -> None:
    half = (0.5, 0.4, 0.3)
    timm_folder(tmp_path, name, crop_pct=0.9, mean=half, interpolation="bilinear")
    opened = open_model_folder(tmp_path)
    assert opened.kind is Kind.TIMM
    assert opened.classes == NAMES
    found = opened.preprocessing
    assert (found.size, found.crop, found.mean) == (SIZE, 0.9, half)
    assert (found.interpolation, found.resize) == ("bilinear", "shorter")


def test_without_a_processor_imagenet_is_assumed(tmp_path: Path) -> None:
    hf_folder(tmp_path, "ViTForImageClassification")
    (tmp_path / "preprocessor_config.json").unlink()
    opened = open_model_folder(tmp_path)
    assert opened.preprocessing == preprocessing_of(opened.spec)
    (note,) = opened.diagnostics
    assert note.code == "DS423"
    assert "0.485, 0.456, 0.406" in note.notes[1]


def test_generic_labels_are_no_names(tmp_path: Path) -> None:
    names = {index: f"LABEL_{index}" for index in range(5)}
    hf_folder(tmp_path, "ViTForImageClassification", id2label=names)
    assert open_model_folder(tmp_path).classes is None


def refused(path: Path) -> Any:
    """The only finding about a model that cannot be opened."""
    with pytest.raises(DiagnosedError) as raised:
        open_model_folder(path)
    (found,) = raised.value.diagnostics
    return found


def change_metadata(folder: Path, **changes: str) -> None:
    path = folder / "model.safetensors"
    metadata = {**safetensors_file.metadata_of(path)}
    for name, text in changes.items():
        metadata[f"deit_spec.{name}"] = text
    state = {k: v.clone() for k, v in safetensors_file.read(path, "a").items()}
    with path.open("wb") as file:
        safetensors_file.write(file, state, metadata=metadata)


OTHER = Preprocessing(16, 1, 1.0, mean=(0.5,), std=(0.5,))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preprocessing": OTHER.to_json()}, "the size in the preprocessing is 16"),
        ({"preprocessing": "{"}, "the preprocessing in the metadata is damaged"),
        ({"digest": "0" * 12}, "the digest in the metadata is 000000000000"),
    ],
)
def test_metadata_that_does_not_fit(
    run_folder: Path, changes: dict[str, str], message: str
) -> None:
    change_metadata(run_folder, **changes)
    found = refused(run_folder)
    assert (found.code, message in found.message) == ("DS425", True)
    assert str(run_folder / "model.safetensors") in found.primary.span.source.name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('["a", "b"]', "there are 2 class names, but the model has 10 classes"),
        ("{", "the class names in the metadata are damaged"),
        ("[1]", "the class names in the metadata are damaged"),
    ],
)
def test_class_names_in_metadata(run_folder: Path, text: str, message: str) -> None:
    (run_folder / "classes.json").unlink()
    assert open_model_folder(run_folder).classes == DIGIT_NAMES
    change_metadata(run_folder, classes=text)
    found = refused(run_folder)
    assert (found.code, found.message) == ("DS425", message)


def test_class_names_that_are_not_those_in_the_metadata(run_folder: Path) -> None:
    (run_folder / "classes.json").write_text(json.dumps(list("1023456789")))
    found = refused(run_folder)
    assert found.code == "DS425"
    assert str(found.primary.span) == f"{run_folder / 'classes.json'}:1:1"
    assert "the classes are 1, 0, 2" in found.message
    assert "but the weights have 0, 1, 2" in found.message


def test_a_spec_that_is_not_that_of_the_weights(run_folder: Path) -> None:
    text = (run_folder / "spec.yaml").read_text()
    changed = text.replace("num_heads: 4", "num_heads: 2")
    (run_folder / "spec.yaml").write_text(changed)
    found = refused(run_folder)
    assert found.code == "DS425"
    assert found.message.startswith(
        "spec.yaml differs from the spec stored in model.safetensors"
    )


@pytest.mark.parametrize(
    ("file", "changes", "code", "message"),
    [
        (
            "config.json",
            {"model_type": "swin"},
            "DS426",
            "`model_type` is `swin` in config.json; only",
        ),
        ("config.json", {"model_type": None}, "DS426", "has no `model_type`"),
        ("config.json", {"model_type": 3}, "DS403", "model_type: Input should be"),
        ("config.json", {"id2label": {"1": "a"}}, "DS425", "must map every index"),
        ("config.json", {"id2label": {"0": "a"}}, "DS425", "1 class names, but the"),
        ("preprocessor_config.json", {"size": 5}, "DS425", "are 5 pixels wide, but"),
        ("preprocessor_config.json", {"image_std": "x"}, "DS425", "image_std"),
    ],
)
def test_folders_of_transformers_that_are_refused(
    tmp_path: Path, file: str, changes: dict[str, Any], code: str, message: str
) -> None:
    hf_folder(tmp_path, "ViTForImageClassification")
    edit_json(tmp_path / file, **changes)
    found = refused(tmp_path)
    assert found.code == code, found.message
    assert message in found.message
    assert found.primary.span.source.name == str(tmp_path / file)


@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json"])
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_damaged_json(tmp_path: Path, file: str, data: bytes) -> None:
    hf_folder(tmp_path, "ViTForImageClassification")
    (tmp_path / file).write_bytes(data)
    assert refused(tmp_path).code == "DS403"


def test_a_config_of_timm_with_other_classes(tmp_path: Path) -> None:
    timm_folder(tmp_path, "vit_tiny_patch16_224")
    edit_json(tmp_path / "config.json", num_classes=7)
    found = refused(tmp_path)
    assert found.code in {"DS425", "DS415"}
    assert "7" in found.message


def test_what_is_no_model(tmp_path: Path, run_folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = refused(tmp_path / "empty")
    assert (found.code, len(found.notes)) == ("DS426", 5)
    (run_folder / "model.safetensors").unlink()
    assert refused(run_folder).message.startswith("the run is not finished")
    path = tmp_path / "plain.safetensors"
    with path.open("wb") as file:
        safetensors_file.write(file, state_of(DISTILLED))
    assert refused(path).code == "DS426"
    path = tmp_path / "w.pth"
    torch.save(state_of(DISTILLED), path)
    assert refused(path).code == "DS426"
    with pytest.raises(SpecError) as raised:
        deit_spec.load_spec(path)
    assert [each.code for each in raised.value.diagnostics] == ["DS426"]


def test_everything_that_takes_a_spec_takes_a_model(trained_run: Path) -> None:
    spec = deit_spec.load_spec(trained_run / "spec.yaml")
    for path in (trained_run, str(trained_run / "model.safetensors")):
        assert deit_spec.load_spec(path) == spec
        assert deit_spec.output_size(path) == 10
        assert deit_spec.lower(path).name == spec.name
        wanted = deit_spec.compile(spec).source
        assert deit_spec.compile(path).source == wanted


def test_load_takes_the_weights_of_a_model(trained_run: Path, tmp_path: Path) -> None:
    weights = trained_run / "model.safetensors"
    wanted = deit_spec.load(trained_run / "spec.yaml", weights=weights).state_dict()
    for path in (trained_run, weights):
        found = deit_spec.load(path).state_dict()
        assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    other = {name: torch.ones_like(tensor) for name, tensor in wanted.items()}
    torch.save(other, tmp_path / "ones.pth")
    found = deit_spec.load(trained_run, weights=tmp_path / "ones.pth").state_dict()
    assert all(torch.equal(found[name], other[name]) for name in other)
    new = deit_spec.load(deit_spec.load_spec(trained_run)).state_dict()
    assert not torch.equal(new["head.weight"], wanted["head.weight"])


def test_metadata_of_a_model_without_preprocessing(tmp_path: Path) -> None:
    spec = deit_spec.load_spec(DISTILLED)
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        safetensors_file.write(file, state_of(DISTILLED), metadata=make_metadata(spec))
    found: ModelFolder = open_model_folder(tmp_path)
    assert (found.kind, found.classes) == (Kind.FILE, None)
    assert found.preprocessing == preprocessing_of(spec)
    assert json.loads(found.preprocessing.to_json())["size"] == 32


def test_the_spec_of_a_run_is_checked_without_torch(trained_run: Path) -> None:
    script = (
        "import sys; from deit_spec import cli\n"
        f"assert cli.execute(['cost', {str(trained_run)!r}]) == 0\n"
        "assert 'torch' not in sys.modules\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
