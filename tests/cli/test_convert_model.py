"""`deit-spec weights convert MODEL`: every part of a model goes along.

What transformers and timm then predict for the same images is what we predict.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from peers import import_timm, import_transformers
from PIL import Image
from support.commands import run
from support.runs import RECIPES, make_run, recipe, save_digits

import deit_spec
from deit_spec.distill.data.digits import read_digits
from deit_spec.distill.training import train
from deit_spec.model.model_folder import open_model_folder
from deit_spec.weights import safetensors_file
from deit_spec.weights.spec_metadata import make_metadata

NAMES = tuple(f"the digit {number}" for number in range(10))
PLAIN_TOKENS = {"distillation_token": False, "fusion": None}
COUNT = 400
"""The number of digits that are compared."""


def convert(source: Path, out: Path, to: str, *options: str) -> str:
    """Convert a model, and return what is reported."""
    done = run("weights", "convert", str(source), "-o", str(out), "--to", to, *options)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def plain_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the digits with one head, for 100 steps: 87 % are right."""
    folder = tmp_path_factory.mktemp("plain")
    student = {"extends": str(RECIPES / "students/digits.yaml")}
    student |= {"teacher_num_classes": None, "variant": PLAIN_TOKENS}
    (folder / "student.yaml").write_text(yaml.safe_dump(student))
    schedule = {"steps": 100, "batch_size": 32, "warmup_steps": 10}
    checked = recipe(
        folder,
        student={"spec": "student.yaml"},
        teacher=None,
        loss={"kind": "none"},
        data={"builtin": "digits", "train_images": 1000, "val_images": 100},
        schedule=schedule,
        run=dict.fromkeys(("log_every", "evaluate_every", "checkpoint_every"), 100),
    )
    train(checked, folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = save_digits(tmp_path_factory.mktemp("digits"), COUNT)
    return [folder / f"{number}.png" for number in range(COUNT)]


@pytest.fixture(scope="module")
def ours(plain_run: Path, digits: list[Path]) -> list[dict[str, float]]:
    """The probability of each class by its name, of each digit."""
    command = ("predict", str(plain_run), *map(str, digits), "--top", "10")
    done = run(*command, "--output-format", "json")
    assert done.returncode == 0, done.stderr
    images = json.loads(done.stdout)["images"]
    return [
        {guess["label"]: guess["probability"] for guess in each["heads"]["cls"]}
        for each in images
    ]


def compare(
    logits: torch.Tensor, names: list[str], ours: list[dict[str, float]]
) -> None:
    """Compare the logits of a library `[N, K]`, and their top-1 to 0.5 points."""
    wanted = torch.tensor([[each[name] for name in names] for each in ours])
    torch.testing.assert_close(logits.softmax(1), wanted, rtol=0, atol=1e-4)
    labels = read_digits()[1][:COUNT]
    theirs, best = (
        (each.argmax(1) == labels).double().mean().item() for each in (logits, wanted)
    )
    assert abs(theirs - best) <= 0.005
    assert best > 0.75


@torch.no_grad()
def test_digits_in_transformers(
    plain_run: Path, digits: list[Path], ours: list[dict[str, float]], tmp_path: Path
) -> None:
    said = convert(plain_run, tmp_path / "hf", "hf")
    assert "warning[DS428]: transformers does not convert images to" in said
    assert f" --> {plain_run / 'model.safetensors'}:1:1" in said
    transformers = import_transformers()
    prepare = transformers.AutoImageProcessor.from_pretrained(tmp_path / "hf")
    kind = transformers.AutoModelForImageClassification
    model = kind.from_pretrained(tmp_path / "hf").eval()
    images = [Image.open(path) for path in digits]
    logits = model(**prepare(images, return_tensors="pt")).logits
    compare(logits, [model.config.id2label[index] for index in range(10)], ours)


@torch.no_grad()
def test_digits_in_timm(
    plain_run: Path, digits: list[Path], ours: list[dict[str, float]], tmp_path: Path
) -> None:
    assert convert(plain_run, tmp_path / "timm", "timm") == ""
    timm = import_timm()
    model = timm.create_model(f"local-dir:{tmp_path}/timm", pretrained=True).eval()
    config = timm.data.resolve_model_data_config(model)
    prepare = timm.data.create_transform(**config, is_training=False)
    images = torch.stack([prepare(Image.open(path)) for path in digits])
    compare(model(images), list(model.pretrained_cfg["label_names"]), ours)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A run without training, whose classes have names."""
    return make_run(tmp_path / "run", classes=NAMES)


def test_findings_name_files_that_exist(model: Path, tmp_path: Path) -> None:
    said = convert(model, tmp_path / "timm", "timm")
    assert said.startswith("warning[DS422]: `variant.fusion` is not converted: timm")
    assert f" --> {model / 'model.safetensors'}:1:1" in said
    assert f" ::: {model / 'spec.yaml'}:" in said
    said = convert(tmp_path / "timm", tmp_path / "hf", "hf")
    places = re.findall(r"(?:-->|:::) (.*?):\d", said)
    assert places
    assert all(Path(place).exists() for place in places)


def parts(path: Path) -> Any:
    """The four parts of a model: the weights as tensors."""
    found = open_model_folder(path)
    state = deit_spec.load(path).state_dict()
    return found.preprocessing, found.classes, {k: v.tolist() for k, v in state.items()}


def test_every_part_goes_along(model: Path, tmp_path: Path) -> None:
    """From a run to one file, to transformers, to timm, and back to one file."""
    wanted, digest = parts(model), deit_spec.load_spec(model).digest
    assert wanted[1] == NAMES
    paths = [
        (tmp_path / "one.safetensors", "deit"),
        (tmp_path / "hf", "hf"),
        (tmp_path / "timm", "timm"),
        (tmp_path / "back.safetensors", "timm"),
    ]
    for out, to in paths:
        convert(model, out, to)
        preprocessing, classes, weights = parts(out)
        assert (classes, weights) == wanted[1:]
        assert preprocessing.mean == wanted[0].mean
        assert preprocessing.resized == wanted[0].resized
        model = out
    assert deit_spec.load_spec(paths[0][0]).digest == digest


def test_weights_for_another_spec_inherit(model: Path, tmp_path: Path) -> None:
    """The class head alone, with the classes and the preprocessing of the run."""
    spec = {"extends": str(model / "spec.yaml"), "teacher_num_classes": None}
    (tmp_path / "cls.yaml").write_text(yaml.safe_dump(spec))
    arguments = ("weights", "convert", str(tmp_path / "cls.yaml"), str(model), "-o")
    done = run(*arguments, str(tmp_path / "hf"), "--to", "hf", "--allow", "heads")
    assert done.returncode == 0, done.stderr
    assert open_model_folder(tmp_path / "hf").classes == parts(model)[1]
    found = json.loads((tmp_path / "hf/preprocessor_config.json").read_text())
    assert found["image_mean"] == [0.3053]
    spec |= {"num_classes": 3, "image_size": 16}
    (tmp_path / "cls.yaml").write_text(yaml.safe_dump(spec))
    done = run(*arguments, str(tmp_path / "three"), "--to", "hf", "--no-strict")
    assert done.returncode == 0, done.stderr
    found = open_model_folder(tmp_path / "three")
    assert found.classes is None
    assert (found.preprocessing.size, found.preprocessing.mean) == (16, (0.3053,))


def test_the_weights_of_a_run_for_its_own_spec(model: Path, tmp_path: Path) -> None:
    """Another checkpoint with the spec of a run, as after averaging by hand."""
    state = deit_spec.load(model).state_dict()
    torch.save({name: 2 * tensor for name, tensor in state.items()}, tmp_path / "w.pth")
    out = tmp_path / "out.safetensors"
    convert(model, out, "deit", str(tmp_path / "w.pth"))
    assert torch.equal(
        deit_spec.load(out).state_dict()["norm.bias"], 2 * state["norm.bias"]
    )
    assert open_model_folder(out).classes == parts(model)[1]


def test_labels_replace_those_of_the_model(model: Path, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text(str({n: f"n{n}" for n in range(10)}))
    out = tmp_path / "out.safetensors"
    said = convert(model, out, "deit", "--labels", str(tmp_path / "names.txt"))
    assert said.startswith("note: the class names the digit 0, the digit 1")
    assert "are replaced by n0, n1" in said
    assert open_model_folder(out).classes == tuple(f"n{n}" for n in range(10))


def test_labels_in_another_order_keep_that_of_the_model(
    model: Path, tmp_path: Path
) -> None:
    (tmp_path / "names.txt").write_text("\n".join(reversed(NAMES)))
    out = tmp_path / "out.safetensors"
    assert convert(model, out, "deit", "--labels", str(tmp_path / "names.txt")) == ""
    assert open_model_folder(out).classes == NAMES


def test_what_is_assumed_or_damaged_is_reported(model: Path, tmp_path: Path) -> None:
    """Preprocessing for weights without any, and metadata that was edited."""
    state = deit_spec.load(model).state_dict()
    torch.save(state, tmp_path / "w.pth")
    spec, out = str(model / "spec.yaml"), tmp_path / "out.safetensors"
    (tmp_path / "spec.yaml").write_text(Path(spec).read_text())
    said = convert(
        tmp_path / "spec.yaml", tmp_path / "timm", "timm", str(tmp_path / "w.pth")
    )
    assert "note[DS423]: the preprocessing is assumed to be that of ImageNet" in said
    metadata = make_metadata(deit_spec.load_spec(model)) | {"deit_spec.digest": "0"}
    with (tmp_path / "w.safetensors").open("wb") as file:
        safetensors_file.write(file, dict(state), metadata=metadata)
    done = run(
        *("weights", "convert", spec, str(tmp_path / "w.safetensors")),
        *("-o", str(out), "--to", "deit"),
    )
    assert (done.returncode, out.exists()) == (1, False)
    assert "error[DS425]: the digest in the metadata is 0" in done.stderr


def test_what_is_not_a_model(model: Path, tmp_path: Path) -> None:
    out = ("-o", str(tmp_path / "out"), "--to", "hf")
    done = run("weights", "convert", str(model / "spec.yaml"), *out)
    said = f"error: {model / 'spec.yaml'} is not a model folder; add a CHECKPOINT\n"
    assert (done.returncode, done.stderr) == (2, said)
    done = run("weights", "convert", str(tmp_path), *out)
    assert done.returncode == 1
    assert "error[DS426]" in done.stderr
    done = run("weights", "convert", str(model), "-o", str(model), "--to", "hf")
    assert done.returncode == 2
    assert "this is the checkpoint" in done.stderr
    assert not (tmp_path / "out").exists()
