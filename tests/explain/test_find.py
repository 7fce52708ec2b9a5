"""The code or field that a word refers to."""

import pytest

from deit_spec.diagnostics import CATALOGUE, Entry
from deit_spec.explain import FIELDS, UnknownTopicError, find, topics
from deit_spec.spec import DeiTSpec, Variant


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.code)
def test_a_code_is_found_by_code_and_by_name(entry: Entry) -> None:
    for word in (entry.code, entry.code.lower(), entry.name, entry.name.upper()):
        assert find(word) == entry.code


def test_a_field_is_found_with_and_without_variant() -> None:
    for name in DeiTSpec.model_fields:
        assert find(name) == name
    for name in Variant.model_fields:
        assert find(name) == find(f"variant.{name}") == f"variant.{name}"


@pytest.mark.parametrize(
    ("word", "field"),
    [
        ("lr", "optimizer.lr"),
        ("batch_size", "schedule.batch_size"),
        ("EPOCHS", "schedule.epochs"),
        ("mixup", "augmentation.mixup"),
        ("folder", "data.folder"),
        ("optimizer.lr", "optimizer.lr"),
    ],
)
def test_a_field_of_a_recipe_is_found_without_its_section(
    word: str, field: str
) -> None:
    assert find(word) == field


def test_words_are_unique() -> None:
    """Neither a name of a code nor a field hides another field."""
    words = [word.lower() for word, _ in topics()] + [*Variant.model_fields]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize(
    ("word", "suggestion"),
    [
        ("embed_dims", "did you mean `embed_dim`?"),
        ("hidden_size", "did you mean `embed_dim`?"),
        ("weights", "did you mean `student.weights` or `teacher.weights`?"),
        ("num_epochs", "did you mean `schedule.epochs`?"),
        ("data_path", "did you mean `data.folder`?"),
        ("init_values", "did you mean `layer_scale`?"),
        ("variant.droppath", "did you mean `variant.drop_path`?"),
        ("unknwon-key", "did you mean `unknown-key`?"),
        ("DS202", "`deit-spec explain` lists the codes"),
        ("DS299", "`deit-spec explain` lists the codes"),
        ("xyz", "`deit-spec explain` lists the codes"),
        ("", "`deit-spec explain` lists the codes"),
    ],
)
def test_an_unknown_word(word: str, suggestion: str) -> None:
    with pytest.raises(UnknownTopicError) as caught:
        find(word)
    assert str(caught.value).startswith(suggestion)


def test_completion_offers_every_word() -> None:
    offered = {word for word, _ in topics()}
    assert offered >= {"DS203", "heads-do-not-fill-width", "variant.drop_path"}
    assert offered >= set(FIELDS)
