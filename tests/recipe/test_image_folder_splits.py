"""Which folders of a folder of images are splits, and which are classes."""

from pathlib import Path

import pytest

from deit_spec.recipe.image_folder import look_into


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
    return folder


@pytest.mark.parametrize("train", ["train", "training", "Train"])
@pytest.mark.parametrize("val", ["val", "valid", "validation", "Valid"])
def test_splits_have_their_usual_names(tmp_path: Path, train: str, val: str) -> None:
    names = (f"{train}/b", f"{train}/a", f"{val}/a", "test/a", "extra")
    found = look_into(make(tmp_path, *names))
    assert found is not None
    assert (found.train, found.val) == (tmp_path / train, tmp_path / val)
    assert found.classes == ("a", "b")


def test_a_class_may_be_named_as_a_split(tmp_path: Path) -> None:
    """`train` is a class beside `bus`, as it contains no folders."""
    found = look_into(make(tmp_path, "bus", "car", "train"))
    assert found is not None
    assert (found.train, found.val) == (tmp_path, None)
    assert found.classes == ("bus", "car", "train")


@pytest.mark.parametrize("names", ["test", "val test", "train", "train test", "valid"])
def test_splits_alone_are_never_classes(tmp_path: Path, names: str) -> None:
    found = look_into(make(tmp_path, *names.split()))
    assert found is not None
    assert found.classes == ()


def test_splits_may_be_named(tmp_path: Path) -> None:
    folder = make(tmp_path, "train/a", "val/a", "test/a", "test/b", "more/test/c")
    found = look_into(folder, "test", "more/test")
    assert found is not None
    assert (found.train, found.val) == (folder / "test", folder / "more/test")
    assert found.classes == ("a", "b")
    found = look_into(folder, val="test")
    assert found is not None
    assert (found.train, found.val) == (folder / "train", folder / "test")


def test_one_split_may_be_named_and_the_other_have_its_usual_name(
    tmp_path: Path,
) -> None:
    folder = make(tmp_path, "mine/a", "mine/b", "Valid/a", "more/c")
    found = look_into(folder, train="mine")
    assert found is not None
    assert (found.train, found.val) == (folder / "mine", folder / "Valid")
    assert found.classes == ("a", "b")
    found = look_into(make(tmp_path / "2", "training/a", "mine/a"), val="mine")
    assert found is not None
    assert found.train == tmp_path / "2" / "training"
    assert found.val == tmp_path / "2" / "mine"


def test_what_archives_add_and_hidden_folders_are_left_out(tmp_path: Path) -> None:
    found = look_into(make(tmp_path, "a", "b", "__MACOSX/a", ".ipynb_checkpoints"))
    assert found is not None
    assert found.classes == ("a", "b")
