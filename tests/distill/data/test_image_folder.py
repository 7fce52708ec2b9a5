"""Folders of images that are missing, or not as a recipe needs them."""

import shutil
from pathlib import Path

import pytest
from support.recipes import check_images, write_images

from deit_spec.diagnostics import Diagnostic
from deit_spec.distill.data import DataError, open_data
from deit_spec.recipe import RecipeError


def found(folder: Path, **data: object) -> Diagnostic:
    """What opening the images finds, at which line of the recipe."""
    checked = check_images(folder, {"folder": "images", **data})
    assert checked.recipe is not None, checked.diagnostics
    with pytest.raises(RecipeError) as caught:
        open_data(checked)
    (finding,) = caught.value.diagnostics
    return finding


def place_of(finding: Diagnostic) -> tuple[str, int, int]:
    span = finding.primary.span
    return finding.code, span.line, span.column


def test_a_missing_folder(tmp_path: Path) -> None:
    assert place_of(found(tmp_path)) == ("DS521", 7, 11)
    (tmp_path / "images").write_text("a file")
    assert place_of(found(tmp_path)) == ("DS521", 7, 11)


def test_a_folder_that_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_images(tmp_path / "images", "abc")

    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("deit_spec.distill.image_files.entries_of", refuse)
    finding = found(tmp_path)
    assert place_of(finding) == ("DS521", 7, 11)
    folder = tmp_path / "images" / "a"
    assert finding.message == f"{folder} cannot be listed: permission denied"


@pytest.mark.parametrize("part", [".", "train"])
def test_a_folder_without_classes(tmp_path: Path, part: str) -> None:
    (tmp_path / "images" / part).mkdir(parents=True)
    (tmp_path / "images" / part / "0.png").write_text("an image of no class")
    assert place_of(found(tmp_path)) == ("DS522", 7, 11)


@pytest.mark.parametrize("part", [".", "train", "val"])
def test_an_empty_class(tmp_path: Path, part: str) -> None:
    for each in {"train", part} if part != "." else {"."}:
        write_images(tmp_path / "images" / each, "abc")
    shutil.rmtree(tmp_path / "images" / part / "b")
    (tmp_path / "images" / part / "b").mkdir()
    finding = found(tmp_path)
    assert place_of(finding) == ("DS523", 7, 11)
    folder = tmp_path / "images" / part / "b"
    assert finding.message == f"there are no images in {folder}"


@pytest.mark.parametrize(
    ("val", "code", "message"),
    [
        ("abd", "DS541", "{0}/val has the class d, which {0}/train does not have"),
        ("ab", "DS523", "there are no images in {0}/val/c"),
        (
            "abcde",
            "DS541",
            "{0}/val has the classes d, e, which {0}/train does not have",
        ),
    ],
)
def test_splits_with_other_classes(
    tmp_path: Path, val: str, code: str, message: str
) -> None:
    write_images(tmp_path / "images" / "train", "abc")
    write_images(tmp_path / "images" / "val", val)
    finding = found(tmp_path)
    assert place_of(finding) == (code, 7, 11)
    assert finding.message == message.format(tmp_path / "images")


@pytest.mark.parametrize(
    ("folders", "data", "place", "message"),
    [
        ("val test", {}, ("DS522", 7, 11), "{0} contains no `train`, only test, val"),
        (
            "Train valid",
            {"val": "test"},
            ("DS521", 8, 8),
            "{0} contains no folder `test`",
        ),
        (
            "train",
            {"train": "trian"},
            ("DS521", 8, 10),
            "{0} contains no folder `trian`",
        ),
        (
            "train",
            {"val": "./train"},
            ("DS542", 8, 8),
            "the images of {0}/train are both",
        ),
    ],
)
def test_splits_that_are_not_there(
    tmp_path: Path,
    folders: str,
    data: dict[str, str],
    place: tuple[str, int, int],
    message: str,
) -> None:
    """A folder with splits alone has no classes, whatever it contains."""
    for name in folders.split():
        write_images(tmp_path / "images" / name, "abc")
    finding = found(tmp_path, **data)
    assert place_of(finding) == place
    assert finding.message.startswith(message.format(tmp_path / "images"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"val_images": 12}, "the recipe asks to hold out 12 of 12 images"),
        (
            {"val_images": 4, "train_images": 9},
            "the recipe asks to train on 9 of 8 images",
        ),
    ],
)
def test_too_few_images(tmp_path: Path, data: dict[str, int], message: str) -> None:
    write_images(tmp_path / "images", "abc")
    finding = found(tmp_path, **data)
    name = "train_images" if "train_images" in data else "val_images"
    text = (tmp_path / "recipe.yaml").read_text().splitlines()
    code, line, column = place_of(finding)
    assert (code, finding.message) == ("DS517", message)
    assert text[line - 1][: column - 1] == f"  {name}: "


def test_too_many_unreadable(tmp_path: Path) -> None:
    write_images(tmp_path / "images", "abc", 5)
    bad = [tmp_path / "images" / "a" / f"{number}.png" for number in range(4)]
    for path in bad:
        path.write_bytes(path.read_bytes()[:60])
    checked = check_images(tmp_path, {"folder": "images", "unreadable": 1})
    data = open_data(checked)
    with pytest.raises(DataError) as caught:
        list(data.train(0, 50))
    (finding,) = caught.value.diagnostics
    assert place_of(finding) == ("DS524", 8, 15)
    assert finding.message == "2 images are unreadable, and the recipe allows 1"
    reason = "(image file is truncated)"
    one, other = data.unreadable[:2]
    assert {one, other} <= {*map(str, bad)}
    assert finding.notes == (f"unreadable: {one} {reason}, {other} {reason}",)


@pytest.mark.parametrize("workers", [0, 2])
def test_no_image_is_readable(tmp_path: Path, workers: int) -> None:
    write_images(tmp_path / "images", "abc", 3)
    for path in (tmp_path / "images").rglob("*.png"):
        path.write_text("no image")
    checked = check_images(
        tmp_path, {"folder": "images", "unreadable": 100, "workers": workers}
    )
    data = open_data(checked)
    with pytest.raises(DataError, match="8 images are unreadable"):
        next(data.train(0, 1))
