"""Trained models: runs and specs with weights."""

import json
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from deit_spec.diagnostics import DiagnosedError
from deit_spec.distill.data import open_data
from deit_spec.distill.evaluation import evaluate
from deit_spec.distill.scored_images import data_override
from deit_spec.distill.trained_model import find_model
from deit_spec.model.preprocessing import DIGITS_MEAN, DIGITS_STD
from deit_spec.weights import safetensors_file


def test_a_run_has_all_that_evaluation_and_prediction_need(trained_run: Path) -> None:
    trained = find_model(str(trained_run))
    data = open_data(trained.read_recipe(), training=False)
    scores = evaluate(trained.load("cpu"), data.val(50), fusion=trained.spec.fusion)
    last = json.loads((trained_run / "metrics.jsonl").read_text().splitlines()[-1])
    assert scores.answer.nll == pytest.approx(last["fused"]["nll"])
    assert trained.class_names() == tuple("0123456789")
    preprocessing = trained.preprocessing(None, None)
    assert (preprocessing.mean, preprocessing.std) == (DIGITS_MEAN, DIGITS_STD)
    assert (preprocessing.size, preprocessing.crop) == (8, 1.0)


def test_a_recipe_of_a_run_with_other_data_or_settings(trained_run: Path) -> None:
    trained = find_model(str(trained_run))
    other = trained.read_recipe(overrides=["data.val_images=7"]).recipe
    assert other is not None
    assert (other.data.val_images, other.teacher) == (7, None)
    new = trained.read_recipe(data=data_override("some/digits")).recipe
    assert new is not None
    assert (new.data.builtin, new.data.dataset) == (None, "some/digits")


def test_other_weights_of_a_run_keep_their_names_and_preprocessing(
    tmp_path: Path, trained_run: Path
) -> None:
    """Those of another run, whose classes are in another order, or others."""
    weights, own = tmp_path / "w.safetensors", trained_run / "model.safetensors"
    order = tuple("9876543210")
    metadata = safetensors_file.metadata_of(own)
    images = json.loads(metadata["deit_spec.preprocessing"]) | {"mean": [0.25]}
    metadata["deit_spec.preprocessing"] = json.dumps(images)
    for names in (order, tuple("abcdefghij")):
        metadata["deit_spec.classes"] = json.dumps(names)
        save_file(load_file(own), weights, metadata)
        if names == order:
            trained = find_model(str(trained_run), weights)
            assert trained.class_names() == order
            assert trained.preprocessing().mean == (0.25,)
            continue
        with pytest.raises(DiagnosedError) as raised:
            find_model(str(trained_run), weights)
        (found,) = raised.value.diagnostics
        assert found.code == "DS425"
        assert found.message.startswith("the classes are 0, 1")


def test_a_recipe_replaces_only_what_it_writes(
    tmp_path: Path, trained_run: Path
) -> None:
    trained = find_model(str(trained_run))
    recipe = tmp_path / "recipe.yaml"
    for data, mean, std in (
        ({"folder": "images"}, DIGITS_MEAN, DIGITS_STD),
        ({"folder": "images", "mean": [0.25], "std": [0.5]}, (0.25,), (0.5,)),
    ):
        recipe.write_text(json.dumps({"student": {"spec": "a"}, "data": data}))
        found = trained.preprocessing(recipe)
        assert (found.mean, found.std, found.crop) == (mean, std, 1.0)
    overrides = ["data.mean=[0.1]", "data.std=[0.5]"]
    checked = trained.read_recipe(overrides=overrides)
    changed = trained.preprocessing_for(checked, overrides)
    assert changed is not None
    assert (changed.mean, changed.std, changed.crop) == ((0.1,), (0.5,), 1.0)


def test_weights_for_a_spec_keep_their_preprocessing(
    tmp_path: Path, trained_run: Path
) -> None:
    file, spec = trained_run / "model.safetensors", str(trained_run / "spec.yaml")
    trained = find_model(spec, file)
    assert trained.preprocessing().mean == DIGITS_MEAN
    assert trained.class_names() == tuple("0123456789")
    with safe_open(file, "pt") as opened:
        metadata = {**opened.metadata(), "deit_spec.preprocessing": "{"}
    save_file(load_file(file), tmp_path / "a.safetensors", metadata)
    with pytest.raises(DiagnosedError) as raised:
        find_model(spec, tmp_path / "a.safetensors").preprocessing()
    assert [each.code for each in raised.value.diagnostics] == ["DS425"]
