"""Datasets of Hugging Face, made here."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support.recipes import PLAIN, check_images

from deit_spec.diagnostics import Diagnostic
from deit_spec.distill.data import DataError, open_data
from deit_spec.distill.data.huggingface_dataset import HUB_SECONDS

datasets = pytest.importorskip("datasets")
hub = pytest.importorskip("huggingface_hub.errors")

CANNOT = "the dataset cannot be used:"
NO_COLUMN = f"{CANNOT} it has no column"
NAMES = ["cat", "dog", "owl"]


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def rows(count: int, *, labels: list[int] | None = None, **more: Any) -> Any:
    """Images of one colour each, which is the number of the row."""
    images = [Image.new("RGB", (12, 12), (number, 0, 0)) for number in range(count)]
    labels = labels or [number % 3 for number in range(count)]
    features = datasets.Features(
        {
            "picture": datasets.Image(),
            "kind": datasets.ClassLabel(names=NAMES),
            **{name: feature for name, (feature, _) in more.items()},
        }
    )
    columns = {name: column for name, (_, column) in more.items()}
    columns |= {"picture": images, "kind": labels}
    return datasets.Dataset.from_dict(columns, features=features)


def opened(folder: Path, saved: Any, **data: Any) -> Any:
    saved.save_to_disk(folder / "saved")
    checked = check_images(folder, {"dataset": "saved", **data}, augmentation=PLAIN)
    assert checked.recipe is not None, checked.diagnostics
    return open_data(checked)


def finding(folder: Path, saved: Any, **data: Any) -> Diagnostic:
    with pytest.raises(DataError) as caught:
        opened(folder, saved, **data)
    (found,) = caught.value.diagnostics
    return found


def refused(folder: Path, saved: Any, **data: Any) -> tuple[str, int, int, str]:
    found = finding(folder, saved, **data)
    span = found.primary.span
    return found.code, span.line, span.column, found.message


def test_a_dataset_is_split_by_seed(tmp_path: Path) -> None:
    data = opened(tmp_path, rows(12), val_images=3)
    assert data.classes == tuple(NAMES)
    assert (data.train_count, data.val_count) == (9, 3)
    images, labels = next(data.val(8))
    colours = (images[:, 0, 0, 0] * data.std[0] + data.mean[0]) * 255
    assert torch.equal(colours.round().long() % 3, labels)
    assert sorted(labels.tolist()) == [0, 1, 2]


def encoded_again(saved: Any, names: list[str]) -> Any:
    """The same labels as indices of other names."""
    whole = saved.cast_column("kind", datasets.Value("int64"))
    return whole.cast_column("kind", datasets.ClassLabel(names=names))


def test_splits_may_have_their_classes_in_another_order(tmp_path: Path) -> None:
    """As if each was encoded by itself, and one of them has no cat."""
    val = encoded_again(rows(4, labels=[1, 0, 1, 0]), ["owl", "dog"])
    both = datasets.DatasetDict({"train": rows(12), "validation": val})
    ((_, found),) = opened(tmp_path, both).val(8)
    assert [NAMES[label] for label in found] == ["dog", "owl"] * 2


def test_splits_with_other_classes_are_refused(tmp_path: Path) -> None:
    val = encoded_again(rows(3), ["cat", "dog", "yak"])
    both = datasets.DatasetDict({"train": rows(12), "validation": val})
    code, _, _, message = refused(tmp_path, both)
    assert code == "DS525"
    assert message.endswith("the classes cat, dog, yak, not cat, dog, owl")


def test_a_dataset_may_have_its_own_splits(tmp_path: Path) -> None:
    saved = datasets.DatasetDict(
        {"train": rows(12), "test": rows(9), "validation": rows(6)}
    )
    data = opened(tmp_path, saved)
    assert (data.train_count, data.val_count) == (12, 6)
    assert len(torch.cat([batch.labels for batch in data.train(0, 3)])) == 12
    assert data.split.evaluated == [f"validation[{row}]" for row in range(6)]


def test_test_is_held_out_only_if_it_is_named(tmp_path: Path) -> None:
    saved = datasets.DatasetDict({"train": rows(12), "test": rows(6)})
    data = opened(tmp_path, saved)
    assert (data.train_count, data.val_count) == (11, 1)
    data = opened(tmp_path / ".", saved, val="test")
    assert (data.train_count, data.val_count) == (12, 6)
    data = opened(tmp_path / ".", saved, train="test", val="train")
    assert (data.train_count, data.val_count) == (6, 12)


def test_a_split_is_not_both_trained_on_and_held_out(tmp_path: Path) -> None:
    saved = datasets.DatasetDict({"train": rows(12)})
    code, line, column, message = refused(tmp_path, saved, val="train")
    assert (code, line, column) == ("DS542", 8, 8)
    assert message == "the images of train are both trained on and held out"


def test_a_split_with_secret_labels_is_not_held_out(tmp_path: Path) -> None:
    secret = rows(6, labels=[-1] * 6)
    saved = datasets.DatasetDict({"train": rows(20), "validation": secret})
    data = opened(tmp_path, saved)
    assert (data.train_count, data.val_count) == (18, 2)
    code, _, _, message = refused(tmp_path / ".", saved, val="validation")
    message = message.removeprefix(f"{CANNOT} ")
    assert (code, message) == ("DS525", "`validation` has images without a label")


def test_workers_read_rows_too(tmp_path: Path) -> None:
    one = opened(tmp_path, rows(12), workers=0)
    other = opened(tmp_path / ".", rows(12), workers=2)
    for mine, theirs in zip(one.train(0, 4), other.train(0, 4), strict=True):
        assert torch.equal(mine.images, theirs.images)
        assert torch.equal(mine.labels, theirs.labels)


def test_of_several_labels_the_column_label_is_used(tmp_path: Path) -> None:
    other = datasets.ClassLabel(names=["x", "y", "z"])
    data = opened(tmp_path, rows(12, label=(other, [0, 1, 2] * 4)))
    assert data.classes == ("x", "y", "z")


def test_a_recipe_chooses_one_of_several_labels(tmp_path: Path) -> None:
    other = datasets.ClassLabel(names=["x", "y", "z"])
    saved = rows(12, coarse=(other, [0, 1, 2] * 4))
    found = finding(tmp_path, saved)
    span = found.primary.span
    assert (found.code, span.line, span.column) == ("DS525", 7, 12)
    only = "of the feature ClassLabel, only coarse, kind"
    assert found.message == f"{NO_COLUMN} `label` {only}"
    choices = ("coarse", "kind")
    helps = [f"`data.columns: {{label: {name}}}`" for name in choices]
    assert found.helps == (" or ".join(helps),)
    for name, classes in zip(choices, (("x", "y", "z"), tuple(NAMES)), strict=True):
        data = opened(tmp_path / ".", saved, columns={"label": name})
        assert data.classes == classes
    found = finding(tmp_path / ".", saved, columns={"label": "fine"})
    assert (found.primary.span.line, found.primary.span.column) == (9, 12)
    assert found.message == f"{NO_COLUMN} `fine` {only}"
    assert found.helps == (" or ".join(helps),)


def test_no_labels_are_refused(tmp_path: Path) -> None:
    code, _, _, message = refused(tmp_path, rows(12).remove_columns("kind"))
    assert (code, message) == (
        "DS525",
        f"{NO_COLUMN} `label` of the feature ClassLabel",
    )


def test_no_images_are_refused(tmp_path: Path) -> None:
    code, _, _, message = refused(tmp_path, rows(12).remove_columns("picture"))
    assert (code, message) == (
        "DS525",
        f"{NO_COLUMN} `image` of the feature Image",
    )


def test_an_unlabelled_split_is_refused(tmp_path: Path) -> None:
    code, _, _, message = refused(tmp_path, rows(3, labels=[0, 1, -1]))
    assert (code, message) == ("DS525", f"{CANNOT} `train` has images without a label")


def test_a_class_without_images_is_refused(tmp_path: Path) -> None:
    code, line, column, message = refused(tmp_path, rows(4, labels=[0, 1, 0, 1]))
    assert (code, line, column) == ("DS525", 7, 12)
    assert message == f"{CANNOT} `train` has no image of owl"


def test_a_dataset_without_a_training_split_is_refused(tmp_path: Path) -> None:
    code, _, _, message = refused(tmp_path, datasets.DatasetDict({"test": rows(6)}))
    assert (code, message) == ("DS525", f"{CANNOT} it has no split `train`, only test")


def test_other_classes_than_the_head_has_are_refused(tmp_path: Path) -> None:
    saved = rows(12).cast_column("kind", datasets.ClassLabel(names=[*NAMES, "yak"]))
    labels = [0, 1, 2, 3] * 3
    saved = saved.remove_columns("kind").add_column(
        "kind", labels, feature=datasets.ClassLabel(names=[*NAMES, "yak"])
    )
    code, line, column, message = refused(tmp_path, saved)
    assert (code, line, column) == ("DS509", 2, 9)
    assert message == "the class head has 3 classes, but the data has 4"


def missing(folder: Path, name: str) -> Diagnostic:
    """What opening a dataset that is not in the folder `shapes` beside it finds."""
    (folder / "shapes").mkdir()
    checked = check_images(folder, {"dataset": name})
    with pytest.raises(DataError) as caught:
        open_data(checked)
    (found,) = caught.value.diagnostics
    assert found.code == "DS525"
    return found


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (hub.RepositoryNotFoundError, "no dataset of this name on the hub"),
        (ConnectionError, "the hub cannot be reached"),
        (TimeoutError, "the hub cannot be reached"),
    ],
)
def test_a_misspelt_folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
    reason: str,
) -> None:
    """The hub is asked once; `datasets` would ask it six times."""
    asked = list[tuple[str, float]]()

    def ask(_: object, name: str, *, timeout: float) -> None:
        asked.append((name, timeout))
        raise error.__new__(error)

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", ask)
    found = missing(tmp_path, "shpes")
    assert found.message == f"{CANNOT} there is no folder `shpes`, and {reason}"
    assert found.helps == (f"did you mean `{tmp_path / 'shapes'}`?",)
    assert asked == [("shpes", HUB_SECONDS)]


def test_a_name_that_no_dataset_has_is_not_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.delattr("huggingface_hub.HfApi.dataset_info")
    found = missing(tmp_path, "my shapes")
    assert found.message.startswith(f"{CANNOT} there is no folder `my shapes`, and no")


def test_the_help_does_not_describe_a_dataset_that_does_not_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    found = missing(tmp_path, "far from everything")
    assert found.helps == (
        "use the path of a folder, or the name of a dataset on the hub",
    )


def test_without_the_hub_the_cache_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()

    def load(name: str) -> Any:
        assert datasets.config.HF_HUB_OFFLINE
        asked.append(name)
        return rows(12)

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.load_dataset", load)
    checked = check_images(tmp_path, {"dataset": "me/shapes"})
    assert open_data(checked).classes == tuple(NAMES)
    assert asked == ["me/shapes"]


def test_an_unreadable_row_is_named(tmp_path: Path) -> None:
    whole = rows(6).cast_column("picture", datasets.Image(decode=False))
    broken = whole.map(
        lambda row, number: {
            "picture": {"bytes": b"no image", "path": None}
            if number == 2
            else row["picture"]
        },
        with_indices=True,
    )
    data = opened(
        tmp_path, broken.cast_column("picture", datasets.Image()), unreadable=1
    )
    list(data.train(0, 9))
    list(data.val(4))
    assert data.unreadable == ["train[2]"]
