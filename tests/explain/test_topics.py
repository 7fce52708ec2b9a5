"""What a word that is asked about means."""

import pytest

from deit_spec.diagnostics import CATALOGUE, Entry
from deit_spec.explain import FIELDS, Topic, UnknownTopicError, find, topics
from deit_spec.spec import DeiTSpec, Variant


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.code)
def test_a_code_is_found_by_itself_and_by_its_name(entry: Entry) -> None:
    for word in (entry.code, entry.code.lower(), entry.name, entry.name.upper()):
        assert find(word) == Topic(code=entry.code)


def test_a_field_is_found_with_its_way_and_without() -> None:
    for name in DeiTSpec.model_fields:
        assert find(name) == Topic(field=name)
    for name in Variant.model_fields:
        assert find(name) == find(f"variant.{name}") == Topic(field=f"variant.{name}")


def test_no_word_means_two_things() -> None:
    """Names of codes have `-`, fields have `_`; no field of either place is hidden."""
    words = [word.lower() for word, _ in topics()] + [*Variant.model_fields]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize(
    ("word", "way_out"),
    [
        ("embed_dims", "did you mean `embed_dim`?"),
        ("hidden_size", "did you mean `embed_dim`?"),
        ("init_values", "did you mean `layer_scale`?"),
        ("variant.droppath", "did you mean `variant.drop_path`?"),
        ("unknwon-key", "did you mean `unknown-key`?"),
        ("DS202", "did you mean `DS201`?"),
        ("ds425", "did you mean `DS424`?"),
        ("DS299", "`deit-spec explain` prints the codes"),
        ("xyz", "`deit-spec explain` prints the codes"),
        ("", "`deit-spec explain` prints the codes"),
    ],
)
def test_an_unknown_word(word: str, way_out: str) -> None:
    with pytest.raises(UnknownTopicError) as caught:
        find(word)
    assert str(caught.value).startswith(way_out)


def test_completion_offers_every_word() -> None:
    offered = {word for word, _ in topics()}
    assert offered >= {"DS203", "heads-do-not-fill-width", "variant.drop_path"}
    assert offered >= set(FIELDS)
