"""Images that cannot be read: what a run says of them."""

import json
from pathlib import Path

import pytest
from peers import import_timm
from support.recipes import PLAIN, check_images, write_images

from deit_spec.distill.data import DataError
from deit_spec.distill.training import Silent, train
from deit_spec.recipe import CheckedRecipe

import_timm()


class Listen(Silent):
    def __init__(self) -> None:
        self.told: list[str] = []

    def said(self, message: str) -> None:
        self.told.append(message)


def folder_of(tmp_path: Path, *unreadable: str) -> CheckedRecipe:
    """A recipe of 12 images to train on and 6 held out, some of which are cut off."""
    write_images(tmp_path / "images" / "train", "abc", 4)
    write_images(tmp_path / "images" / "val", "abc", 2)
    for name in unreadable:
        path = tmp_path / "images" / name
        path.write_bytes(path.read_bytes()[:60])
    return check_images(
        tmp_path,
        {"folder": "images", "unreadable": 10},
        augmentation={**PLAIN, "drop_path": 0.0},
        schedule={"steps": 6, "batch_size": 4, "warmup_steps": 1},
        run={"log_every": 3, "evaluate_every": 3, "checkpoint_every": 3},
    )


def test_they_are_named_once_by_all_that_tells_of_a_run(tmp_path: Path) -> None:
    checked = folder_of(tmp_path, "train/a/1.png", "val/b/0.png")
    listen, run = Listen(), tmp_path / "run"
    train(checked, run, reporter=listen)
    one, other = (tmp_path / "images" / n for n in ("train/a/1.png", "val/b/0.png"))
    assert listen.told == [
        f"an image is unreadable, and skipped: {each}" for each in (one, other)
    ]
    lines = [json.loads(x) for x in (run / "metrics.jsonl").read_text().splitlines()]
    named = [line for line in lines if "unreadable" in line]
    assert named == [{"step": 3, "unreadable": [str(each)]} for each in (one, other)]
    summary = (run / "summary.md").read_text()
    told = f"2 images were unreadable, and skipped:\n\n- `{one}`\n- `{other}`\n"
    assert told in summary
    again = Listen()
    train(checked, run, resume=True, reporter=again)
    assert again.told == []
    assert told in (run / "summary.md").read_text()


def test_a_run_without_any_says_nothing(tmp_path: Path) -> None:
    listen = Listen()
    train(folder_of(tmp_path), tmp_path / "run", reporter=listen)
    assert listen.told == []
    for name in ("metrics.jsonl", "summary.md"):
        assert "unreadable" not in (tmp_path / "run" / name).read_text()


def test_nothing_to_evaluate_on_is_told(tmp_path: Path) -> None:
    names = [f"val/{label}/{number}.png" for label in "abc" for number in range(2)]
    with pytest.raises(DataError) as caught:
        train(folder_of(tmp_path, *names), tmp_path / "run")
    (found,) = caught.value.diagnostics
    assert found.code == "DS524"
    assert found.message == "all 6 images held out are unreadable"
    text = (tmp_path / "recipe.yaml").read_text().splitlines()
    assert text[found.primary.span.line - 1].startswith("  folder")
    assert str(tmp_path / "images" / names[0]) in found.notes[0]
