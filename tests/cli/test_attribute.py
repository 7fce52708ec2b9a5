"""`deit-spec attribute`: files with maps, and errors of the usage."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.commands import run
from support.models import hf_folder, save_images
from support.runs import make_run, save_digits

import deit_spec
from deit_spec.attention.attribution_scores import insertion_and_deletion


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models of one and two tokens, and images."""
    folder = tmp_path_factory.mktemp("attribute")
    names = [f"the digit {number}" for number in range(10)]
    make_run(folder / "run", classes=names)
    hf_folder(folder / "vit", "ViTForImageClassification")
    save_digits(folder / "digits", 3)
    save_images(folder / "images", 2)
    (folder / "text.png").write_text("no image")
    return folder


def width(path: Path) -> int:
    """The width of a picture, in pixels."""
    with Image.open(path) as picture:
        return picture.width


@pytest.mark.parametrize("method", ["attention", "rollout", "gradient-attention"])
def test_json_and_npz_have_the_maps_of_python(place: Path, method: str) -> None:
    images = ["digits/1.png", "digits/2.png"]
    for form in ("json", "npz"):
        options = ("--method", method, "--output-format", form, "-o", "maps")
        done = run("attribute", "run", *images, *options, cwd=place)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == [
            f"maps/{number}.{method}.{form}" for number in (1, 2)
        ]
    for number in (1, 2):
        data = json.loads((place / f"maps/{number}.{method}.json").read_text())
        assert data["image"] == f"digits/{number}.png"
        assert (data["size"], data["region"]) == ([8, 8], [0, 0, 8, 8])
        arrays = np.load(place / f"maps/{number}.{method}.npz")
        for token in ("cls", "dist"):
            path = place / f"digits/{number}.png"
            wanted = deit_spec.attribute(
                place / "run",
                path,
                method=method,  # type: ignore[arg-type]
                token=token,  # type: ignore[arg-type]
            )[0]
            for found in (arrays[token], data["maps"][token]):
                np.testing.assert_allclose(found, wanted.numpy(), atol=1e-6)
        best = data["predictions"]["cls"]
        assert best["label"] == f"the digit {best['class']}"
        assert [*data["predictions"]] == ["cls", "dist", "fused"]


def test_pictures(place: Path) -> None:
    """By default of both tokens; a name that is taken is numbered."""
    Image.open(place / "digits/0.png").save(place / "0.png")
    done = run("attribute", "run", "0.png", "digits", "-o", "pictures", cwd=place)
    names = ["0", "0-2", "1", "2"]
    assert (done.returncode, done.stderr) == (0, "")
    paths = [f"pictures/{name}.attention.png" for name in names]
    assert done.stdout.splitlines() == paths
    widths = [width(place / path) for path in paths]
    one = run("attribute", "run", "0.png", "--token", "dist", cwd=place)
    assert one.stdout == "0.attention.png\n"
    assert widths == [3 * width(place / "0.attention.png")] * 4
    every = run("attribute", "run", "0.png", "--heads", "all", cwd=place)
    assert every.returncode == 0
    assert 3 * width(place / "0.attention.png") == 8 * widths[0]
    sheet = run("attribute", "run", "0.png", "--sheet", cwd=place)
    assert (sheet.returncode, sheet.stdout) == (0, "0.sheet.png\n")


def test_a_model_with_one_token(place: Path) -> None:
    options = ("--output-format", "json", "-o", "vit-maps")
    done = run("attribute", "vit", "images", *options, cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads((place / "vit-maps/0.attention.json").read_text())
    assert [*data["maps"]] == [*data["predictions"]] == ["cls"]
    for token in ("dist", "both"):
        done = run("attribute", "vit", "images", "--token", token, cwd=place)
        assert done.returncode == 2
        text = f"--token is {token}, but the model has no distillation token"
        assert done.stderr == f"error: {text}\n"


def test_classes(place: Path) -> None:
    method = ("--method", "gradient-attention", "--output-format", "json")
    found = []
    for name in ("4", "The Digit 4", "5"):
        options = (*method, "--class", name, "-o", f"class {name}")
        done = run("attribute", "run", "digits/0.png", *options, cwd=place)
        assert done.returncode == 0
        path = place / f"class {name}/0.gradient-attention.json"
        found.append(json.loads(path.read_text()))
    assert found[0] == found[1]
    assert [each["class"] for each in found] == [4, 4, 5]
    assert found[0]["maps"] != found[2]["maps"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--method", "gradient-attention", "--class", "the digit 11"),
            (
                "there is no class the digit 11: the model has 10 classes; similar "
                "names are the digit 1, the digit 9, the digit 8"
            ),
        ),
        (
            ("--class", "1"),
            "--class needs --method gradient-attention, not attention",
        ),
        (("--block", "3"), "there is no block 3 in a model of 3"),
        (
            ("--method", "rollout", "--heads", "all"),
            "heads of rollout must be mean or max, not all",
        ),
        (("--sheet", "--method", "rollout"), "--sheet shows attention, not rollout"),
        (("--sheet", "--output-format", "npz"), "--sheet is a picture, not npz"),
        (
            ("--evaluate", "--sheet"),
            "--evaluate writes no maps, so it is without -o, --sheet and --heads all",
        ),
        (
            ("--evaluate", "--output-format", "npz"),
            "--evaluate prints a table or JSON, not npz",
        ),
        (("-o", "text.png"), "cannot create text.png: file exists"),
    ],
)
def test_usage(place: Path, options: tuple[str, ...], message: str) -> None:
    done = run("attribute", "run", "digits/0.png", *options, cwd=place)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {message}\n"


def test_unreadable_images_are_reported_after_the_others(place: Path) -> None:
    images = ["text.png", "digits/0.png", "nowhere.png"]
    done = run("attribute", "run", *images, "-o", "rest", cwd=place)
    assert (done.returncode, done.stdout) == (1, "rest/0.attention.png\n")
    assert done.stderr.splitlines() == [
        "error: cannot read text.png: it is not an image",
        "error: cannot read nowhere.png: no such file or directory",
    ]


def test_images_keep_their_colours_and_orientation(place: Path) -> None:
    """The region is that of the upright image."""
    image = Image.new("RGB", (60, 20), "red")
    exif = image.getexif()
    exif[0x0112] = 6  # turned by a quarter
    image.save(place / "turned.png", exif=exif)
    options = ("--output-format", "json", "-o", "turned")
    done = run("attribute", "run", "turned.png", *options, cwd=place)
    assert done.returncode == 0
    data = json.loads((place / "turned/turned.attention.json").read_text())
    assert data["size"] == [20, 60]
    assert data["region"] == [0, 20, 20, 40]


def test_scores(place: Path) -> None:
    """Those of Python, for the class that each head predicts."""
    method = ("--method", "rollout", "--evaluate")
    images = ["digits/0.png", "text.png", "digits/1.png"]
    done = run("attribute", "run", *images, *method, "--batch-size", "1", cwd=place)
    assert done.returncode == 1
    text = "error: cannot read text.png: it is not an image\n"
    assert done.stderr == text
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[0] == ["token", "insertion", "deletion"]
    assert ["method:", "rollout,", "images:", "2"] in rows
    options = (*method, "--output-format", "json")
    data = json.loads(run("attribute", "run", *images, *options, cwd=place).stdout)
    assert (data["method"], data["images"]) == ("rollout", 2)
    classifier = deit_spec.load_model(place / "run", target="train")
    inputs = [classifier.transform(place / path) for path in images[::2]]
    batch = torch.stack(inputs)
    for token, row, index in (("cls", 2, 0), ("dist", 3, 1)):
        maps = deit_spec.attribute(
            classifier,
            batch,
            method="rollout",
            token=token,  # type: ignore[arg-type]
        )

        def probabilities(images: torch.Tensor, index: int = index) -> torch.Tensor:
            output: torch.Tensor = classifier.model(images)[index]
            return output.softmax(dim=1)

        with torch.no_grad():
            best = probabilities(batch).argmax(dim=1)
        areas = insertion_and_deletion(probabilities, batch, maps, best)
        wanted = [float(each.mean()) for each in areas]
        assert [*data["scores"][token].values()] == pytest.approx(wanted)
        assert rows[row][2:] == [f"{each:.4f}" for each in wanted]
