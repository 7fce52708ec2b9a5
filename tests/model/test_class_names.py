"""Class names in the forms in which people have them."""

import json
from pathlib import Path
from typing import Any

import pytest

from deit_spec.distill.optional_packages import import_package
from deit_spec.model import class_names
from deit_spec.model.class_names import (
    ClassNamesError,
    imagenet_class_names,
    match_model_classes,
    read_class_names,
)
from deit_spec.recipe.class_matching import Relation

NAMES = ("tench", "goldfish", "great white shark")


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
    with pytest.raises(ClassNamesError, match="not a list of labels or a mapping"):
        read_class_names(path)


def test_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(ClassNamesError, match="no such file"):
        read_class_names(tmp_path / "labels.txt")
    with pytest.raises(ClassNamesError, match="embedded null byte"):
        read_class_names(tmp_path / "a\0b")
    (tmp_path / "latin").write_bytes(b"caf\xe9\n")
    with pytest.raises(ClassNamesError, match="not UTF-8"):
        read_class_names(tmp_path / "latin")


def test_imagenet_is_as_timm_has_it() -> None:
    import_package("timm")
    from timm.data import ImageNetInfo  # noqa: PLC0415

    info = ImageNetInfo()
    found = imagenet_class_names()
    assert found == tuple(info.index_to_description(index) for index in range(1000))
    assert found[0] == "tench, Tinca tinca"


def test_without_timm_imagenet_has_no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_names, "find_spec", lambda _: None)
    assert imagenet_class_names() is None


@pytest.mark.parametrize(
    "text",
    [
        "{0: 'tench',\n 1: 'goldfish',\n 2: 'great white shark'}\n",
        "{'0': 'tench', '2': \"great white shark\", '1': 'goldfish'}",
        "{'tench': 0, 'goldfish': 1, 'great white shark': 2}",
        '["tench", "goldfish", "great white shark"]',
        "\n['tench', 'goldfish', 'great white shark']\n",
    ],
)
@pytest.mark.parametrize("name", ["labels.txt", "labels.json"])
def test_python_dictionaries_and_lists(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert read_class_names(path) == NAMES


def test_a_config_of_transformers(tmp_path: Path) -> None:
    from transformers import ViTConfig  # noqa: PLC0415  -- takes seconds

    ViTConfig(id2label=dict(enumerate(NAMES))).save_pretrained(tmp_path)
    assert read_class_names(tmp_path / "config.json") == NAMES


@pytest.mark.parametrize("text", ["{0: print('a')}", "{0: 'a'", "{0: {0: 'a'}}"])
def test_python_is_not_executed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_text(text)
    with pytest.raises(ClassNamesError, match="not a list of labels or a mapping"):
        read_class_names(path)


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(b"a\n" * 5_000_001)
    with pytest.raises(ClassNamesError, match="too large for class names"):
        read_class_names(path)


def test_words_and_numbers_of_imagenet_are_the_same_classes() -> None:
    """The words of torchvision and the numbers of timm."""
    import_package("timm")
    from timm.data import ImageNetInfo  # noqa: PLC0415
    from torchvision.models import _meta  # noqa: PLC0415

    numbers, words = ImageNetInfo().label_names(), _meta._IMAGENET_CATEGORIES
    match = match_model_classes(numbers, words)
    assert match.relation is Relation.IDENTICAL
    assert match_model_classes(words, numbers) == match
    # Three folders of Imagenette, which has ten of the classes.
    some = match_model_classes(["n03000684", "n01440764", "n03888257"], words)
    assert some.relation is Relation.SUBSET
    found = [words[index] for index in some.indices]
    assert found == ["chain saw", "tench", "parachute"]


def test_other_classes_are_not_those_of_imagenet() -> None:
    """A list that is sorted by name, and products that happen to be 1000."""
    import_package("timm")
    names = imagenet_class_names()
    assert names is not None
    for others in (sorted(names), [f"product {index}" for index in range(1000)]):
        match = match_model_classes(["n01440764"], others)
        assert match.relation is Relation.DIFFERENT
