"""`deit-spec evaluate` scores the images that a run has held out, or says so."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.commands import run
from support.recipes import PLAIN, check_images, write_images
from support.runs import save_weights

from deit_spec.distill.data import open_data
from deit_spec.distill.data.image_sources import ImageFiles
from deit_spec.distill.training import RunError, train
from deit_spec.distill.training.run_folder import begin_run
from deit_spec.recipe import CheckedRecipe

SHORT = {"steps": 2, "batch_size": 4, "warmup_steps": 1}


def make_run(folder: Path, data: dict[str, Any]) -> None:
    """The folder `run` of a small student with random weights."""
    checked = check_images(folder, data)
    opened = open_data(checked, training=False)
    begin_run(checked, folder / "run", opened.classes, opened.split.as_file())
    save_weights(folder / "run/spec.yaml", folder / "run/model.safetensors")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A run on 24 images, of which it has held out 6."""
    write_images(tmp_path / "images", "abc", 8)
    make_run(tmp_path, {"folder": "images", "val_images": 6})
    return tmp_path


@pytest.fixture
def split(tmp_path: Path) -> Path:
    """A run on 12 images in `train`; there are 9 in `valid` and 6 in `test`."""
    for name, each in {"train": 4, "valid": 3, "test": 2}.items():
        write_images(tmp_path / "images" / name, "abc", each)
    make_run(tmp_path, {"folder": "images"})
    return tmp_path


def held_out(folder: Path) -> list[str]:
    found: list[str] = json.loads((folder / "run/split.json").read_text())["held_out"]
    return found


def scores(folder: Path, *arguments: str) -> tuple[dict[str, Any], str]:
    """The scores as JSON, and the messages."""
    command = ("evaluate", "run", *arguments, "--output-format", "json")
    done = run(*command, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def described(folder: Path, *arguments: str) -> str:
    """What the table says about the images."""
    lines = run("evaluate", "run", *arguments, cwd=folder).stdout.splitlines()
    return lines[lines.index("") + 1].partition(", ")[2]


def test_a_run_lists_what_it_holds_out_and_never_trains_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_images(tmp_path / "images", "abc", 8)
    data = {"folder": "images", "val_images": 6}
    schedule = {"steps": 30, "batch_size": 4, "warmup_steps": 1}
    checked = check_images(tmp_path, data, schedule=schedule, augmentation=PLAIN)
    read = list[str]()
    open_file = ImageFiles.open

    def remember(self: ImageFiles, index: int) -> Any:
        read.append(self.name(index))
        return open_file(self, index)

    monkeypatch.setattr(ImageFiles, "open", remember)
    train(checked, tmp_path / "run")
    written = json.loads((tmp_path / "run/split.json").read_text())
    root = tmp_path / "images"
    everything = {p.relative_to(root).as_posix() for p in root.rglob("*.png")}
    names = [Path(each).relative_to(root).as_posix() for each in read]
    assert names[-6:] == written["held_out"]  # the evaluation, which is last
    assert set(names[:-6]) == everything - set(written["held_out"])
    lines = "".join(f"{name}\t{name[0]}\n" for name in sorted(everything))
    assert written["digest"] == hashlib.sha256(lines.encode()).hexdigest()
    assert {key: written[key] for key in ("source", "name", "trained_on")} == {
        "source": "folder",
        "name": str(root),
        "trained_on": None,
    }


def test_the_list_is_used_whatever_else_is_in_the_folder_now(plain: Path) -> None:
    before, messages = scores(plain)
    assert (before["images"], before["trained_on"], messages) == (6, 0, "")
    assert described(plain) == "6 images held out"
    write_images(plain / "more", "abc", 3)
    for name in "abc":
        for path in (plain / "more" / name).iterdir():
            path.rename(plain / "images" / name / f"0{path.name}")
    names = {p.relative_to(plain / "images").as_posix() for p in plain.rglob("*.png")}
    trained_on = sorted(names.difference(held_out(plain)))
    (plain / "images" / trained_on[-1]).unlink()
    after, messages = scores(plain)
    assert (after["heads"], messages) == (before["heads"], "")


def test_missing_images_are_counted(plain: Path) -> None:
    first, *others = held_out(plain)
    (plain / "images" / first).unlink()
    found, messages = scores(plain)
    assert messages == "warning: 1 of the 6 images held out is missing\n"
    assert (found["images"], found["trained_on"]) == (5, 0)
    for name in others:
        (plain / "images" / name).unlink()
    done = run("evaluate", "run", "-o", "scores.txt", cwd=plain)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[DS543]: split.json cannot be used: none of its 6 held" in done.stderr
    assert "run/split.json:1:1" in done.stderr
    assert not (plain / "scores.txt").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"held_out": "a/0.png"}, "held_out: input should be a valid array"),
        ({"held_out": [3]}, "held_out.0: input should be a valid string"),
        ({"name": "a\0b"}, "name: string should match pattern"),
        ({"digest": "0"}, "digest: string should match pattern"),
        ({"version": 2}, "version: input should be 1"),
        ({"seed": 0}, "seed: extra inputs are not permitted"),
        (None, "it is not JSON"),
    ],
)
def test_a_damaged_file(plain: Path, change: dict[str, Any], message: str) -> None:
    path = plain / "run/split.json"
    text = json.dumps({**json.loads(path.read_text()), **(change or {})})
    path.write_text(text if change else text[:-9])
    done = run("evaluate", "run", "-o", "scores.txt", cwd=plain)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"error[DS554]: the file is damaged: {message}" in done.stderr
    assert not (plain / "scores.txt").exists()


def test_another_seed_is_said_to_score_images_trained_on(plain: Path) -> None:
    checked = check_images(
        plain, {"folder": "images", "val_images": 6, "split_seed": 1}
    )
    others = open_data(checked, training=False).split.evaluated
    count = len(set(others).difference(held_out(plain)))
    assert count > 2
    seed = ("--set", "data.split_seed=1")
    found, messages = scores(plain, *seed)
    assert messages == (
        "warning: data.split_seed differs from the run's, so "
        f"{count} of the 6 images scored were trained on\n"
    )
    assert found["trained_on"] == count
    assert described(plain, *seed) == f"6 images, {count} of them trained on"


def test_a_folder_is_scored_whole(plain: Path) -> None:
    found, messages = scores(plain, "--data", "images")
    assert messages == "warning: 18 of the 24 images scored were trained on\n"
    assert (found["images"], found["trained_on"]) == (24, 18)
    found = described(plain, "--data", "images")
    assert found == "all 24 images, 18 of them trained on"


def test_a_copy_is_recognised(plain: Path) -> None:
    """By its names; if it has other images as well, not all can be known."""
    shutil.copytree(plain / "images", plain / "copy")
    found, messages = scores(plain, "--data", "copy")
    assert messages == "warning: 18 of the 24 images scored were trained on\n"
    moved = ("--set", f"data.folder={plain / 'copy'}")
    found, messages = scores(plain, *moved)
    assert (found["trained_on"], messages) == (0, "")
    assert described(plain, *moved) == "6 images held out"
    (plain / "copy" / held_out(plain)[0]).unlink()
    found, messages = scores(plain, "--data", "copy")
    assert messages == "warning: up to 18 of the 23 images scored were trained on\n"
    assert found["trained_on"] is None


def test_names_alone_make_no_image_held_out(tmp_path: Path) -> None:
    """Other pixels with the same names, and then without those to train on."""
    for folder in ("images", "others"):
        for part in ("train", "val"):
            write_images(tmp_path / folder / part, "abc", 3)
    for path in (tmp_path / "others").rglob("*.png"):
        path.write_bytes(path.read_bytes() + b"0")
    make_run(tmp_path, {"folder": "images"})
    assert described(tmp_path, "--data", "images") == "9 images held out"
    for _ in range(2):
        found, messages = scores(tmp_path, "--data", "others")
        assert messages == (
            "warning: the images have the names of those of the run, but other "
            "content, so it is not known whether the model was trained on them\n"
        )
        assert found["trained_on"] is None
        assert (
            described(tmp_path, "--data", "others") == "all 9 images of the split val"
        )
        shutil.rmtree(tmp_path / "others/train", ignore_errors=True)


def test_nothing_is_said_of_another_folder(plain: Path) -> None:
    write_images(plain / "others", "abc", 2)
    found, messages = scores(plain, "--data", "others")
    assert (found["trained_on"], messages) == (None, "")
    assert described(plain, "--data", "others") == "all 6 images"


@pytest.mark.parametrize(
    ("arguments", "text", "trained_on"),
    [
        ([], "9 images held out", 0),
        (["--data", "images"], "9 images held out", 0),
        (["--data", "images/valid"], "9 images held out", 0),
        (["--data", "images/test"], "all 6 images", 0),
        (["--set", "data.val=test"], "6 images", 0),
        (
            ["--data", "images", "--set", "data.val=test"],
            "all 6 images of the split test",
            0,
        ),
        (["--data", "images/train"], "all 12 images", None),
    ],
)
def test_splits(
    split: Path, arguments: list[str], text: str, trained_on: int | None
) -> None:
    """Only `valid` was held out; the run has neither seen `test` nor held it out."""
    found, messages = scores(split, *arguments)
    assert found["trained_on"] == trained_on
    expected = "warning: up to 12 of the 12 images scored were trained on\n"
    assert messages == ("" if trained_on == 0 else expected)
    assert described(split, *arguments) == text


def test_a_folder_may_have_a_validation_split_alone(split: Path) -> None:
    shutil.move(split / "images", split / "others")
    shutil.rmtree(split / "others/train")
    arguments = ("--data", "others")
    assert described(split, *arguments) == "9 images held out"
    shutil.rmtree(split / "others/valid")
    done = run("evaluate", "run", *arguments, cwd=split)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[DS522]: " in done.stderr
    assert "others contains no `train`, only test\n" in done.stderr
    assert described(split, "--data", "others/test") == "all 6 images"


def test_a_run_without_a_list(plain: Path) -> None:
    (plain / "run/split.json").unlink()
    found, messages = scores(plain)
    unknown = "it is not known which images the model was trained on"
    assert messages == f"warning: run has no split.json, so {unknown}\n"
    assert found["trained_on"] is None
    assert described(plain) == "6 images"


def test_a_subset_is_listed(tmp_path: Path) -> None:
    """Of 24 images 6 are held out, and 10 of the others are trained on."""
    write_images(tmp_path / "images", "abc", 8)
    make_run(tmp_path, {"folder": "images", "val_images": 6, "train_images": 10})
    written = json.loads((tmp_path / "run/split.json").read_text())
    assert len(set(written["trained_on"]) - set(written["held_out"])) == 10
    found, messages = scores(tmp_path, "--data", "images")
    assert messages == "warning: 10 of the 24 images scored were trained on\n"
    assert found["trained_on"] == 10


def test_rows_of_a_dataset(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    write_images(tmp_path / "images", "abc", 8)
    files = sorted((tmp_path / "images").rglob("*.png"))
    columns = {
        "image": list(map(str, files)),
        "label": ["abc".index(path.parent.name) for path in files],
    }
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=list("abc"))}
    )
    datasets.Dataset.from_dict(columns, features=features).save_to_disk(
        tmp_path / "saved"
    )
    make_run(tmp_path, {"dataset": "saved", "val_images": 6})
    names = held_out(tmp_path)
    assert len(names) == 6
    assert set(names) <= {f"train[{row}]" for row in range(24)}
    found, messages = scores(tmp_path)
    assert (found["images"], found["trained_on"], messages) == (6, 0, "")
    found, messages = scores(tmp_path, "--data", "saved")
    assert messages == "warning: 18 of the 24 images scored were trained on\n"
    assert (found["images"], found["trained_on"]) == (24, 18)


def test_a_run_is_not_resumed_on_other_images(tmp_path: Path) -> None:
    def checked() -> CheckedRecipe:
        return check_images(tmp_path, {"folder": "images"}, schedule=SHORT)

    write_images(tmp_path / "images", "abc", 4)
    train(checked(), tmp_path / "run")
    split = (tmp_path / "run/split.json").read_bytes()
    train(checked(), tmp_path / "run", resume=True)
    assert (tmp_path / "run/split.json").read_bytes() == split
    path = tmp_path / "images" / "a" / "0.png"
    path.rename(path.with_name("9.png"))
    with pytest.raises(RunError) as caught:
        train(checked(), tmp_path / "run", resume=True)
    (found,) = caught.value.diagnostics
    assert (found.code, found.primary.span.line) == ("DS535", 7)
    assert "began with other images" in found.message
    assert (tmp_path / "run/split.json").read_bytes() == split
