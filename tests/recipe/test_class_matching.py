"""Class names of data and of a model: the same, in another order, some, or others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deit_spec.distill.optional_packages import import_package
from deit_spec.recipe.class_matching import Relation, match_classes, natural_order

NAMES = st.lists(st.text(max_size=3), unique=True, min_size=1, max_size=8)


@given(NAMES, st.data())
def test_a_class_is_found_by_its_name(model: list[str], data: st.DataObject) -> None:
    some = data.draw(st.lists(st.sampled_from(model), unique=True, min_size=1))
    match = match_classes(some, model)
    assert [model[index] for index in match.indices] == some
    assert set(match.missing) == set(model) - set(some)
    expected = Relation.SUBSET
    if len(some) == len(model):
        expected = Relation.IDENTICAL if some == model else Relation.PERMUTATION
    assert match.relation is expected


@given(NAMES, NAMES)
def test_a_class_that_the_model_does_not_have(
    data: list[str], model: list[str]
) -> None:
    match = match_classes(data, model)
    assert set(match.unknown) == set(data) - set(model)
    assert (match.relation is Relation.DIFFERENT) == bool(set(data) - set(model))
    assert bool(match.indices) == (match.relation is not Relation.DIFFERENT)


@pytest.mark.parametrize(
    ("data", "relation"),
    [
        (["crane", "crane", "owl"], Relation.IDENTICAL),
        (["owl", "crane", "crane"], Relation.DIFFERENT),
        (["crane", "owl"], Relation.DIFFERENT),
    ],
)
def test_a_name_of_two_classes_says_nothing_about_the_order(
    data: list[str], relation: Relation
) -> None:
    match = match_classes(data, ["crane", "crane", "owl"])
    assert match.relation is relation
    assert match.repeated == (("crane",) if relation is Relation.DIFFERENT else ())


@given(st.lists(st.text("aB0129 -é", max_size=4), unique=True))
def test_the_natural_order_is_that_of_timm(names: list[str]) -> None:
    import_package("timm")
    from timm.utils.misc import natural_key  # noqa: PLC0415

    assert natural_order(names) == tuple(sorted(names, key=natural_key))
