"""Trained models: runs and specs with weights, and the names of their classes."""

import json
from pathlib import Path
from typing import Any

import pytest

from deit_spec.distill import trained_model
from deit_spec.distill.data import open_data
from deit_spec.distill.data.digits import MEAN, STD
from deit_spec.distill.evaluation import evaluate
from deit_spec.distill.optional_packages import import_package
from deit_spec.distill.trained_model import (
    ModelError,
    find_model,
    imagenet_class_names,
    read_class_names,
)

NAMES = ("tench", "goldfish", "great white shark")


def test_a_run_has_all_that_evaluation_and_prediction_need(trained_run: Path) -> None:
    trained = find_model(str(trained_run))
    data = open_data(trained.read_recipe(), training=False)
    scores = evaluate(trained.load("cpu"), data.val(50), fusion=trained.spec.fusion)
    last = json.loads((trained_run / "metrics.jsonl").read_text().splitlines()[-1])
    assert scores.answer.nll == pytest.approx(last["fused"]["nll"])
    assert trained.class_names() == tuple("0123456789")
    preprocessing = trained.preprocessing(None, None)
    assert (preprocessing.mean, preprocessing.std) == (MEAN, STD)
    assert (preprocessing.size, preprocessing.crop) == (8, 1.0)


def test_a_recipe_of_a_run_with_other_data_or_settings(trained_run: Path) -> None:
    trained = find_model(str(trained_run))
    other = trained.read_recipe(overrides=["data.val_images=7"]).recipe
    assert other is not None
    assert (other.data.val_images, other.teacher) == (7, None)
    new = trained.read_recipe(data="data.dataset=some/digits").recipe
    assert new is not None
    assert (new.data.builtin, new.data.dataset) == (None, "some/digits")


def test_one_label_a_line(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("\ufefftench\r\n goldfish \ngreat white shark\n\n")
    assert read_class_names(path) == NAMES


@pytest.mark.parametrize(
    "value",
    [
        list(NAMES),
        {str(index): name for index, name in enumerate(NAMES)},
        {str(index): NAMES[index] for index in (2, 0, 1)},
        {name: index for index, name in enumerate(NAMES)},
        {str(index): [f"n{index}", name] for index, name in enumerate(NAMES)},
    ],
)
def test_forms_of_json(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(value))
    assert read_class_names(path) == NAMES


@pytest.mark.parametrize(
    "text",
    ["{", "3", "null", '{"0": "a", "2": "b"}', '{"a": 0, "b": 0}', "[1]", "[[]]"],
)
def test_other_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "labels.json"
    path.write_text(text)
    with pytest.raises(ModelError, match="not a list of labels or a mapping"):
        read_class_names(path)


def test_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        read_class_names(tmp_path / "labels.txt")
    (tmp_path / "latin").write_bytes(b"caf\xe9\n")
    with pytest.raises(ModelError, match="not UTF-8"):
        read_class_names(tmp_path / "latin")


def test_imagenet_is_as_timm_has_it() -> None:
    import_package("timm")
    from timm.data import ImageNetInfo  # noqa: PLC0415

    info = ImageNetInfo()
    found = imagenet_class_names()
    assert found == tuple(info.index_to_description(index) for index in range(1000))
    assert found[0] == "tench, Tinca tinca"


def test_without_timm_imagenet_has_no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained_model, "find_spec", lambda _: None)
    assert imagenet_class_names() is None
