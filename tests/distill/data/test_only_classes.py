"""Some of the classes of digits, folders and datasets."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.recipes import PLAIN, SPECS, check, check_images

from deit_spec.distill.data import Data, DataError, open_data
from deit_spec.distill.data.digits import read_digits
from deit_spec.recipe import CheckedRecipe
from deit_spec.recipe.data_classes import DIGITS_COUNTS
from deit_spec.recipe.split_file import SplitFile

TWO = {"num_classes": 2, "teacher_num_classes": 2}


def open_two(folder: Path, data: dict[str, Any]) -> Data:
    checked = check_images(folder, data, spec=TWO, augmentation=PLAIN)
    assert checked.recipe is not None, checked.diagnostics
    return open_data(checked)


def of_digits(folder: Path, *names: str, **data: Any) -> CheckedRecipe:
    student = {"spec": str(SPECS / "digits-undistilled.yaml"), "num_classes": 5}
    chosen = {"builtin": "digits", "only_classes": list(names), **data}
    without = {"teacher": None, "loss": {"kind": "none"}}
    return check(folder, student=student, data=chosen, **without)


def test_the_digits_of_some_classes(tmp_path: Path) -> None:
    data = open_data(of_digits(tmp_path, *"97586", train_images=100, val_images=300))
    assert data.classes == tuple("56789")  # in the order of the data
    labels = read_digits()[1]
    for chosen in (data.split.train, data.split.held_out):
        assert set(labels[chosen].tolist()) == {5, 6, 7, 8, 9}
    assert (data.train_count, data.val_count) == (100, 300)
    assert sorted(Counter(data.split.train_labels).values()) == [20] * 5
    (batch, *_) = data.val(300)
    assert (batch.labels + 5).tolist() == labels[data.split.held_out].tolist()
    file = data.split.as_file()
    assert isinstance(file, SplitFile)
    assert len(file.trained_on or ()) == 100


def test_the_number_of_digits_of_each_class() -> None:
    assert list(DIGITS_COUNTS.values()) == read_digits()[1].bincount().tolist()


def test_all_digits_of_some_classes_are_listed_in_the_split(tmp_path: Path) -> None:
    """Otherwise all that are not held out would be those trained on."""
    data = open_data(of_digits(tmp_path, *"01234"))
    assert data.train_count + data.val_count == 901
    assert len(data.split.as_file().trained_on or ()) == data.train_count


@pytest.mark.parametrize("names", [("11",), ("1", "x", "y")])
def test_classes_that_the_digits_do_not_have(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    checked = of_digits(tmp_path, *names)
    codes = [each.code for each in checked.diagnostics]
    assert codes.count("DS565") == 1
    (found,) = (each for each in checked.diagnostics if each.code == "DS565")
    assert found.primary.span == checked.span("data.only_classes")


def test_more_images_than_the_classes_have(tmp_path: Path) -> None:
    checked = of_digits(tmp_path, *"01234", train_images=700, val_images=202)
    (found,) = checked.diagnostics
    assert found.code == "DS517"
    words = "902 images are requested, and digits has 901 of these classes"
    assert found.message == words


def test_all_digits_held_out(tmp_path: Path) -> None:
    checked = of_digits(tmp_path, *"01234", val_images=901)
    assert "DS517" in [each.code for each in checked.diagnostics]


def test_folders_of_some_classes(parts: Path) -> None:
    data = open_two(parts, {"folder": "images", "only_classes": ["c", "a"]})
    assert data.classes == ("a", "c")
    assert (data.train_count, data.val_count) == (16, 10)
    names = [*data.split.evaluated, *(data.split.as_file().trained_on or ())]
    assert {Path(name).parent.name for name in names} == {"a", "c"}
    (batch, *_) = data.val(10)
    assert batch.labels.tolist() == [0] * 5 + [1] * 5


def test_the_order_of_some_classes(parts: Path) -> None:
    chosen = {"folder": "images", "only_classes": ["a", "c"]}
    data = open_two(parts, {**chosen, "classes": ["c", "a"]})
    assert data.classes == ("c", "a")
    (batch, *_) = data.val(10)
    assert batch.labels.tolist() == [1] * 5 + [0] * 5
    checked = check_images(parts, {**chosen, "classes": ["a", "b", "c"]}, spec=TWO)
    assert "DS538" in [each.code for each in checked.diagnostics]


def test_a_dataset_of_some_classes(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    label = datasets.ClassLabel(names=["cat", "dog", "owl"])
    features = datasets.Features({"image": datasets.Image(), "label": label})
    images = [Image.new("RGB", (12, 12), (number, 0, 0)) for number in range(12)]
    columns = {"image": images, "label": [number % 3 for number in range(12)]}
    saved = datasets.Dataset.from_dict(columns, features=features)
    saved.save_to_disk(tmp_path / "saved")
    chosen: dict[str, Any] = {"dataset": "saved", "val_images": 4}
    chosen["only_classes"] = ["owl", "cat"]
    data = open_two(tmp_path, chosen)
    assert data.classes == ("cat", "owl")
    (batch, *_) = data.val(8)
    colours = (batch.images[:, 0, 0, 0] * data.std[0] + data.mean[0]) * 255
    assert (colours.round().long() % 3).tolist() == (2 * batch.labels).tolist()
    assert sorted(batch.labels.tolist()) == [0, 0, 1, 1]
    chosen["only_classes"] = ["cat", "ow"]
    checked = check_images(tmp_path, chosen, spec=TWO)
    assert checked.recipe is not None  # the classes are not known yet
    with pytest.raises(DataError) as caught:
        open_data(checked)
    (found,) = caught.value.diagnostics
    assert found.code == "DS565"
    assert found.primary.span == checked.span("data.only_classes")
