"""Unknown keys resolve to the fields that they mean, in specs and in recipes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deit_spec.recipe.recipe_names import FIELDS as RECIPE_FIELDS
from deit_spec.recipe.recipe_names import RECIPE
from deit_spec.spec.field_names import SPEC, FieldNames
from deit_spec.spec.schema import FIELDS

PATHS = [
    *((SPEC, tuple(field.split("."))) for field in FIELDS),
    *((RECIPE, tuple(field.split("."))) for field in RECIPE_FIELDS),
]


@given(st.sampled_from(PATHS), st.data())
def test_a_doubled_letter_is_a_misspelling(
    case: tuple[FieldNames, tuple[str, ...]], data: st.DataObject
) -> None:
    names, (*outer, name) = case
    at = data.draw(st.integers(1, len(name)))
    written = name[:at] + name[at - 1 :]
    assert names.resolve((*outer, written)) == (*outer, name)


@pytest.mark.parametrize("names", [SPEC, RECIPE], ids=["spec", "recipe"])
def test_every_synonym_means_a_field(names: FieldNames) -> None:
    """Where several sections have it, the help lists them all."""
    fields = {path[-1] for each, path in PATHS if each is names} | set(names.sections)
    for word, name in names.synonyms.items():
        assert name in fields
        found = names.resolve((word,))
        assert found[-1] == name or f".{name}`" in names.suggestion((word,)), word


@given(st.sampled_from(PATHS))
def test_a_field_in_another_place_is_found(
    case: tuple[FieldNames, tuple[str, ...]],
) -> None:
    names, path = case
    if len(path) == 1 or names.is_known((path[-1],)):
        return
    found = names.resolve((path[-1],))
    assert found == path or ".".join(path) in names.suggestion((path[-1],))


@pytest.mark.parametrize(
    ("path", "help_"),
    [
        (
            ("drop_path_rate",),
            "did you mean `drop_path`, which belongs under `variant`?",
        ),
        (("hidden_act",), "remove it: the MLP always uses the exact GELU"),
        (("variant", "depth"), "`depth` belongs at the top level"),
    ],
)
def test_suggestions(path: tuple[str, ...], help_: str) -> None:
    assert SPEC.suggestion(path) == help_
