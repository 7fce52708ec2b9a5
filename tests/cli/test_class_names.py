"""Runs on data whose classes have other names, or are in another order."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from support.commands import run
from support.recipes import check_images, write_images
from support.runs import save_weights

import deit_spec
from deit_spec.distill.data import open_data
from deit_spec.distill.training.run_folder import begin_run

NAMES = ("a", "b", "c")
SIZES = (2, 4, 6)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder `images` with the classes a, b and c, of different sizes."""
    for name, count in zip(NAMES, SIZES, strict=True):
        write_images(tmp_path / "images", name, count)
    return tmp_path


def make_run(place: Path, classes: Sequence[str]) -> None:
    """Make a run of a small student with random weights on the folder `images`."""
    checked = check_images(place, {"folder": "images"})
    # No image is trained on.
    split = open_data(checked, training=False, whole=True).split.as_file()
    begin_run(checked, place / "run", list(classes), split)
    save_weights(place / "run/spec.yaml", place / "run/model.safetensors")


def head(place: Path, *arguments: str, stderr: str = "") -> dict[str, Any]:
    """The scores of the class head."""
    command = ("evaluate", "run", *arguments, "--output-format", "json")
    done = run(*command, cwd=place)
    assert done.returncode == 0, done.stderr
    assert stderr in done.stderr if stderr else not done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["heads"]["cls"]
    return found


def top1(place: Path, order: Sequence[str]) -> float:
    """The share of images whose highest logit is at the index of their class."""
    weights = place / "run/model.safetensors"
    model = deit_spec.load(place / "run/spec.yaml", weights=weights).eval()
    data = open_data(check_images(place, {"folder": "images"}), whole=True)
    hits = []
    for images, labels in data.val(64):
        found = model(images).cls.argmax(1).tolist()
        hits += [order[i] == NAMES[j] for i, j in zip(found, labels, strict=True)]
    return sum(hits) / len(hits)


@pytest.mark.parametrize("order", ["abc", "cab", "bca"])
def test_another_order_of_folders_is_matched_by_name(place: Path, order: str) -> None:
    make_run(place, order)
    assert head(place, "--data", "images")["top1"] == top1(place, order)


def test_another_order_of_a_dataset_is_matched_by_name(place: Path) -> None:
    datasets = pytest.importorskip("datasets")
    make_run(place, NAMES)
    files = sorted((place / "images").rglob("*.png"))
    label = datasets.ClassLabel(names=list("cab"))
    columns = {
        "image": [str(path) for path in files],
        "label": [label.str2int(path.parent.name) for path in files],
    }
    features = datasets.Features({"image": datasets.Image(), "label": label})
    saved = datasets.Dataset.from_dict(columns, features=features)
    both = datasets.DatasetDict({"train": saved, "validation": saved})
    both.save_to_disk(place / "saved")
    name = f"data.dataset={json.dumps(str(place / 'saved'))}"
    found = head(place, "--set", "data.folder=null", "--set", name)
    assert found == pytest.approx(head(place, "--data", "images"))


def test_some_of_the_classes_are_scored_with_a_note(place: Path) -> None:
    make_run(place, "cab")
    everything = head(place, "--data", "images")
    shutil.copytree(place / "images", place / "some")
    shutil.rmtree(place / "some" / "b")
    found = head(place, "--data", "some", stderr="without images: b")
    hits, count = everything["top1"] * sum(SIZES), SIZES[1]
    only = head(place, "--data", write_only(place, "b"), stderr="without images: c, a")
    assert found["top1"] * (sum(SIZES) - count) + only["top1"] * count == pytest.approx(
        hits
    )


def test_a_validation_part_with_some_of_the_classes_is_scored(place: Path) -> None:
    """An empty class folder is as none, also if the model has no names."""
    make_run(place, NAMES)
    for part in ("train", "val"):
        shutil.copytree(place / "images", place / "parts" / part)
    shutil.rmtree(place / "parts" / "val" / "c")
    found = head(place, "--data", "parts", stderr="without images: c")
    (place / "parts" / "val" / "c").mkdir()
    (place / "run" / "classes.json").unlink()
    assert found == head(place, "--data", "parts", stderr="without images: c")
    for name in "ab":
        shutil.rmtree(place / "parts" / "val" / name)
    done = run("evaluate", "run", "--data", "parts", cwd=place)
    assert done.returncode == 1
    assert "DS523" in done.stderr


def write_only(place: Path, name: str) -> str:
    """Copy one of the classes to a folder of its own."""
    shutil.copytree(place / "images" / name, place / "only" / name)
    return "only"


@pytest.mark.parametrize("names", ["abx", "xyz", "abcd"])
def test_other_classes_are_refused(place: Path, names: str) -> None:
    make_run(place, NAMES)
    write_images(place / "others", names)
    command = ("evaluate", "run", "--data", "others", "-o", "scores.txt")
    done = run(*command, cwd=place)
    assert (done.returncode, done.stdout) == (1, "")
    lists = f"the classes {', '.join(names)}, but the model has a, b, c"
    assert f"error[DS538]: the data has {lists}\n" in done.stderr
    assert not (place / "scores.txt").exists()


def test_the_help_selects_the_classes_of_the_model(place: Path) -> None:
    make_run(place, NAMES)
    write_images(place / "others", "abcd")
    done = run("evaluate", "run", "--data", "others", cwd=place)
    assert "= help: `--set 'data.only_classes=[a, b, c]'`, or move" in done.stderr
    only = ("--set", "data.only_classes=[a, b, c]")
    assert run("evaluate", "run", "--data", "others", *only, cwd=place).returncode == 0


def test_the_recipe_says_which_classes_have_other_names(place: Path) -> None:
    make_run(place, "cab")
    (place / "images").rename(place / "bilder")
    for name, other in zip(NAMES, ("ah", "be", "ce"), strict=True):
        (place / "bilder" / name).rename(place / "bilder" / other)
    found = head(place, "--data", "bilder", "--set", "data.classes=[ce, ah, be]")
    shutil.copytree(place / "bilder", place / "images")
    for name, other in zip(NAMES, ("ah", "be", "ce"), strict=True):
        (place / "images" / other).rename(place / "images" / name)
    assert found["top1"] == top1(place, "cab")


def test_a_run_without_names_is_evaluated_by_index(place: Path) -> None:
    make_run(place, "cab")
    (place / "run" / "classes.json").unlink()
    assert head(place, "--data", "images")["top1"] == top1(place, "abc")


def test_numbered_folders_are_noted_if_the_model_has_no_names(place: Path) -> None:
    make_run(place, NAMES)
    (place / "run" / "classes.json").unlink()
    for name, other in zip(NAMES, ("1", "2", "10"), strict=True):
        (place / "images" / name).rename(place / "images" / other)
    by_string = head(place, "--data", "images", stderr="DS540")
    numbers = 'data.classes=["1", "2", "10"]'
    command = ("--data", "images", "--set", numbers)
    by_number = head(place, *command, stderr="of the 12 images scored")
    assert by_string["nll"] != by_number["nll"]


@pytest.mark.parametrize(
    ("numbers", "classes", "code"),
    [
        (["1", "2", "10"], None, "DS540"),
        (["1", "2", "10"], ["1", "2", "10"], None),
        (["1", "2", "9"], None, None),
    ],
)
def test_a_checkpoint_of_timm_may_have_numbered_classes_in_its_own_order(
    tmp_path: Path, numbers: list[str], classes: list[str] | None, code: str | None
) -> None:
    for name in numbers:
        write_images(tmp_path / "images" / name, "a", 1)
    (tmp_path / "resnet.pth").touch()
    teacher = {"timm": "resnet18", "weights": "resnet.pth"}
    data = {"folder": "images", "classes": classes}
    found = check_images(tmp_path, data, teacher=teacher).diagnostics
    assert [each.code for each in found if each.code == "DS540"] == [code] * bool(code)


def test_a_label_file_that_is_not_there(place: Path) -> None:
    make_run(place, NAMES)
    done = run("evaluate", "run", "--set", "data.classes=none.txt", cwd=place)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[DS538]: cannot read run/none.txt: no such file" in done.stderr


def test_labels_of_a_file_are_those_of_the_run(place: Path) -> None:
    make_run(place, NAMES)
    (place / "labels.txt").write_text("c\na\nb\n")
    command = ("predict", "run", "images", "--output-format", "csv")
    expected = run(*command, cwd=place)
    found = run(*command, "--labels", "labels.txt", cwd=place)
    assert found.returncode == 0
    assert found.stdout == expected.stdout
    (place / "labels.txt").write_text("c\na\nx\n")
    refused = run(*command, "--labels", "labels.txt", cwd=place)
    assert (refused.returncode, refused.stdout) == (1, "")
    lists = "the file has the classes c, a, x, but the model has a, b, c"
    assert f"error[DS538]: {lists}\n" in refused.stderr


def train(place: Path, *options: str) -> tuple[int, str]:
    """Train, and return the exit code and the messages."""
    done = run("train", "recipe.yaml", "-o", "trained", *options, cwd=place)
    return done.returncode, done.stderr


def weights(place: Path) -> bytes:
    return (place / "trained" / "model.safetensors").read_bytes()


def test_a_run_is_not_resumed_with_other_classes(place: Path) -> None:
    check_images(place, {"folder": "images"}, schedule={"steps": 2, "batch_size": 4})
    assert train(place, "--set", "schedule.warmup_steps=0")[0] == 0
    (place / "images" / "c").rename(place / "images" / "a0")
    before = {p: p.read_bytes() for p in (place / "trained").rglob("*.*")}
    code, said = train(place, "--set", "schedule.warmup_steps=0", "--resume")
    assert code == 1
    assert "the data has the classes a, a0, b, but the run has a, b, c" in said
    assert before == {p: p.read_bytes() for p in (place / "trained").rglob("*.*")}


def test_a_list_of_classes_fixes_their_order(place: Path) -> None:
    """As folders whose names sort in that order; and a run is resumed with it."""
    check_images(
        place,
        {"folder": "images", "classes": "order.json"},
        schedule={"steps": 3, "batch_size": 4, "warmup_steps": 0},
        augmentation={"mixup": 0.0, "cutmix": 0.0},
    )
    (place / "order.json").write_text('["c", "a", "b"]')
    assert train(place)[0] == 0
    names = json.loads((place / "trained" / "classes.json").read_text())
    assert names == ["c", "a", "b"]
    listed = weights(place)
    (place / "order.json").write_text('["a", "b", "c"]')
    shutil.rmtree(place / "trained" / "checkpoints")
    assert train(place, "--resume")[0] == 0
    assert json.loads((place / "trained" / "classes.json").read_text()) == names
    assert weights(place) == listed
    (place / "order.json").write_text('["a", "b"]')
    code, said = train(place, "--resume")
    assert code == 1
    assert "only in the data: c" in said


def test_labels_follow_the_list_of_classes(place: Path) -> None:
    order = ["c", "a", "b"]
    found = []
    for data in ({"folder": "images"}, {"folder": "images", "classes": order}):
        opened = open_data(check_images(place, data), whole=True)
        ((images, labels),) = opened.val(64)
        found.append((images, [opened.classes[label] for label in labels]))
    assert opened.classes == tuple(order)
    assert torch.equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]
