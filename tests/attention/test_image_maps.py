"""`deit_spec.attribute`: from models and images to maps."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.runs import save_digits

import deit_spec
from deit_spec.attention.attention_maps import AttentionReader
from deit_spec.attention.image_maps import class_index


def test_a_path_a_model_and_inputs_give_the_same(
    trained_run: Path, tmp_path: Path
) -> None:
    paths = sorted(save_digits(tmp_path, 3).iterdir())
    classifier = deit_spec.load_model(trained_run)
    inputs = torch.stack([classifier.transform(path) for path in paths])
    reader = AttentionReader(classifier.spec, classifier.model, heads="max")
    wanted = reader.read(inputs, ["dist"]).maps["dist"]
    assert wanted.shape == (3, 4, 4)
    options: Any = {"token": "dist", "heads": "max"}
    for model in (trained_run, classifier):
        for images in (paths, inputs):
            found = deit_spec.attribute(model, images, **options, batch_size=2)
            torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)
    one = deit_spec.attribute(classifier, paths[1], **options)
    torch.testing.assert_close(one, wanted[1:2], rtol=0, atol=1e-6)


def test_classes_by_name(trained_run: Path, tmp_path: Path) -> None:
    (path,) = save_digits(tmp_path, 1).iterdir()
    maps = {
        category: deit_spec.attribute(
            trained_run, path, method="gradient-attention", category=category
        )
        for category in (3, "3", 4)
    }
    assert torch.equal(maps[3], maps["3"])
    assert not torch.equal(maps[3], maps[4])
    with pytest.raises(ValueError, match="there is no class nine: the model has 10"):
        deit_spec.attribute(
            trained_run, path, method="gradient-attention", category="nine"
        )
    with pytest.raises(ValueError, match="category needs gradient-attention"):
        deit_spec.attribute(trained_run, path, category=1)


def test_class_index() -> None:
    names = ["tench, Tinca tinca", "great white shark", "7"]
    for name, index in (("tinca TINCA", 0), ("1", 1), ("7", 2), ("2", 2)):
        assert class_index(name, names, 3) == index
    assert class_index("4", None, 5) == 4
    with pytest.raises(ValueError, match="similar names are great white shark"):
        class_index("great wite shark", names, 3)
    with pytest.raises(ValueError, match="has 5 classes without names"):
        class_index("cat", None, 5)
