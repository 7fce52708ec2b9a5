"""What classes are called: the forms of files, and ImageNet's own."""

import json
from pathlib import Path
from typing import Any

import pytest
from peers import import_timm

from deit_spec.distill import trained_model
from deit_spec.distill.trained_model import (
    ModelError,
    imagenet_class_names,
    read_class_names,
)

NAMES = ("tench", "goldfish", "great white shark")


def test_a_line_each(tmp_path: Path) -> None:
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
def test_no_labels(tmp_path: Path, text: str) -> None:
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
    import_timm()
    from timm.data import ImageNetInfo  # noqa: PLC0415

    info = ImageNetInfo()
    found = imagenet_class_names()
    assert found == tuple(info.index_to_description(index) for index in range(1000))
    assert found[0] == "tench, Tinca tinca"


def test_no_timm_no_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained_model, "find_spec", lambda _: None)
    assert imagenet_class_names() is None
