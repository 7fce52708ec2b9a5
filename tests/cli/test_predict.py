"""`deit-spec predict` as a process."""

import csv
import json
import re
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pytest_regressions.file_regression import FileRegressionFixture
from support.commands import run
from support.models import hf_folder, save_images, timm_folder
from support.runs import make_run, save_digits, save_weights

from deit_spec import load_model

IMAGES = 3


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, images, and a file that is not an image."""
    folder = tmp_path_factory.mktemp("predict")
    names = [f"the digit {number}" for number in range(10)]
    make_run(folder / "run", classes=names)
    save_digits(folder / "images", IMAGES)
    (folder / "text.png").write_text("no image")
    return folder


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_formats(
    place: Path, form: str, file_regression: FileRegressionFixture
) -> None:
    arguments = ["run", "images", "--top", "2", "--heads", "--output-format"]
    done = run("predict", *arguments, form, cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    extension = ".txt" if form == "table" else f".{form}"
    text = re.sub(r"(0\.\d{4})\d+", r"\1", done.stdout)
    file_regression.check(text, extension=extension)


def test_all_formats_have_the_same_content(place: Path) -> None:
    arguments = ["predict", "run", "images", "--heads", "--output-format"]
    data = json.loads(run(*arguments, "json", cwd=place).stdout)
    rows = csv.DictReader(StringIO(run(*arguments, "csv", cwd=place).stdout))
    flat = [
        (image["image"], head, str(rank), str(guess["class"]), guess["label"])
        for image in data["images"]
        for head, guesses in image["heads"].items()
        for rank, guess in enumerate(guesses, 1)
    ]
    keys = ("image", "head", "rank", "class", "label")
    assert flat == [tuple(row[key] for key in keys) for row in rows]
    assert len(flat) == IMAGES * 3 * 5


def test_unreadable_images_are_reported_after_the_others(place: Path) -> None:
    done = run("predict", "run", "text.png", "images/0.png", "nowhere.png", cwd=place)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: cannot read text.png: it is not an image",
        "error: cannot read nowhere.png: no such file or directory",
    ]
    assert "images/0.png" in done.stdout
    done = run("predict", "run", "text.png", "--output-format", "json", cwd=place)
    assert done.returncode == 1
    data = json.loads(done.stdout)
    assert data["images"] == []
    assert data["unreadable"] == [{"image": "text.png", "reason": "it is not an image"}]


def test_labels_from_a_file(place: Path) -> None:
    names = [f"[bold]{number}[/bold]" for number in range(10)]
    (place / "labels.txt").write_text("\n".join(names))
    save_weights(place / "run/spec.yaml", place / "nameless.safetensors")
    model = ("run/spec.yaml", "--weights", "nameless.safetensors")
    options = ("images/0.png", "--labels", "labels.txt")
    done = run("predict", *model, *options, cwd=place)
    assert done.returncode == 0
    assert all(name in done.stdout for name in re.findall(r"\[bold\]\d", done.stdout))
    assert done.stdout.count("[/bold]") == 5
    (place / "few.txt").write_text("one\n")
    done = run("predict", "run", "images/0.png", "--labels", "few.txt", cwd=place)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("error: few.txt has 1 label, but the model has 10 classes\n")


def test_imagenet_has_names(place: Path) -> None:
    spec = "deit_tiny_patch16_224"
    weights = str(save_weights(spec, place / "tiny.safetensors"))
    command = ("predict", spec, "--weights", weights)
    done = run(*command, "images/1.png", "--output-format", "json", cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    ((guess, *others),) = json.loads(done.stdout)["images"][0]["heads"].values()
    assert len(others) == 4
    assert re.search("[a-z]{3}", guess["label"])


def test_a_broken_link_is_reported(place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    save_digits(folder, 1)
    (folder / "link.png").symlink_to("nowhere.png")
    done = run("predict", str(place / "run"), str(folder))
    assert done.returncode == 1
    assert done.stderr == (
        f"error: cannot read {folder}/link.png: no such file or directory\n"
    )


def test_other_files_of_a_folder_are_counted(place: Path, tmp_path: Path) -> None:
    folder = save_digits(tmp_path / "images", 2)
    with Image.open(folder / "0.png") as image:
        image.save(folder / "0.gif")
        image.save(folder / "0.webp", lossless=True)
    for name in ("a.txt", "b.TXT", "c.json", "README", ".DS_Store", "__MACOSX/._0.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("no image")
    arguments = ("--top", "1", "--output-format", "json")
    done = run("predict", str(place / "run"), str(folder), *arguments)
    assert done.returncode == 0
    assert done.stderr == (
        "note: ignored 4 files that are not images: 2 .txt, 1 .json, 1 without an "
        "extension\n"
    )
    found = json.loads(done.stdout)["images"]
    names = [Path(each["image"]).name for each in found]
    assert names == ["0.gif", "0.png", "0.webp", "1.png"]
    first = [each["heads"] for each in found[:3]]
    assert first == [first[1]] * 3
    for path in folder.iterdir():
        if path.is_file() and path.suffix not in {".txt", ".TXT"}:
            path.unlink()
    done = run("predict", str(place / "run"), str(folder))
    assert (done.returncode, done.stdout) == (2, "")
    others = "ignored 2 files that are not images: 2 .txt"
    assert done.stderr == f"error: there is no image in {folder}; {others}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("run", 2, "IMAGES"),
        ("nowhere images", 2, "nowhere does not exist, and is not a published model"),
        ("run/.. images", 1, "the folder is not a known kind of model"),
        ("deit_tiny_patch16_224 images", 2, "has no weights; add --weights FILE"),
        ("run images --top 0", 2, "0 is not at least 1"),
        ("run images --crop 2", 2, "--crop"),
        ("run images --labels nowhere.txt", 2, "cannot read nowhere.txt"),
        ("run empty", 2, "there is no image in empty"),
        ("run images -o images/0.png", 2, "would overwrite an input"),
    ],
)
def test_errors(place: Path, arguments: str, code: int, message: str) -> None:
    (place / "empty").mkdir(exist_ok=True)
    done = run("predict", *arguments.split(), cwd=place)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("kind", ["hf", "timm"])
def test_a_folder_of_another_library(tmp_path: Path, kind: str) -> None:
    """With its own preprocessing and names, as `load_model` predicts."""
    if kind == "hf":
        hf_folder(tmp_path / "model", "DeiTForImageClassificationWithTeacher")
    else:
        timm_folder(tmp_path / "model", "vit_tiny_patch16_224", crop_pct=0.9)
    paths = save_images(tmp_path / "images")
    arguments = ["model", "images", "--output-format", "json", "--top", "3"]
    done = run("predict", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    wanted: Any = load_model(tmp_path / "model").predict(paths, topk=3)
    for found, guesses in zip(json.loads(done.stdout)["images"], wanted, strict=True):
        ((*rows,),) = found["heads"].values()
        assert [row["label"] for row in rows] == [each.label for each in guesses]
        assert [row["probability"] for row in rows] == pytest.approx(
            [each.probability for each in guesses], rel=1e-5
        )


def test_the_weights_of_a_run_alone(trained_run: Path, tmp_path: Path) -> None:
    """The file has preprocessing and names; so it has as weights of a spec."""
    shutil.copy(trained_run / "model.safetensors", tmp_path / "m.safetensors")
    shutil.copy(trained_run / "spec.yaml", tmp_path / "spec.yaml")
    save_digits(tmp_path / "images", 4)
    commands = [
        [str(trained_run)],
        ["m.safetensors"],
        ["spec.yaml", "--weights", "m.safetensors"],
    ]
    results = []
    for model in commands:
        arguments = [*model, "images", "--output-format", "csv", "--heads"]
        done = run("predict", *arguments, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        results.append(done.stdout)
    assert results[0] == results[1] == results[2]


def test_an_assumed_preprocessing_is_noted(tmp_path: Path) -> None:
    hf_folder(tmp_path / "hf", "ViTForImageClassification")
    (tmp_path / "hf" / "preprocessor_config.json").unlink()
    save_images(tmp_path / "images", 1)
    done = run("predict", "hf", "images", cwd=tmp_path)
    assert done.returncode == 0
    assert "note[DS423]: the preprocessing is assumed" in done.stderr
