"""Unknown keys resolve to the fields that they mean, in specs and in recipes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deit_spec.recipe.recipe_names import FIELDS as RECIPE_FIELDS
from deit_spec.recipe.recipe_names import RECIPE
from deit_spec.spec.field_names import SPEC, FieldNames
from deit_spec.spec.schema import FIELDS

SECTION_FIELDS = {field.split(".")[1] for field in RECIPE_FIELDS}
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


LINES = Path(__file__).with_name("training_arguments.txt").read_text().splitlines()
ARGUMENTS = {word for line in LINES if line[:1] != "#" for word in line.split()}


@pytest.mark.parametrize("key", sorted(ARGUMENTS))
def test_an_argument_of_a_training_belongs_in_a_recipe(key: str) -> None:
    for written in (key, key.upper(), key.replace("_", "-")):
        for path in ((written,), ("variant", written)):
            assert SPEC.is_training(path)
            assert SPEC.resolve(path) == path
            assert not RECIPE.is_training(path)


def test_a_field_of_a_recipe_belongs_in_a_recipe() -> None:
    """Unless it is another name of a field of a spec, such as `num_classes`."""
    names = {*RECIPE.sections, *RECIPE.synonyms, *SECTION_FIELDS}
    known = {*SPEC.names, *(name.split(".")[-1] for name in FIELDS)}
    other = {each for each in names - known if not SPEC.is_training((each,))}
    # They may as well mean something about a model.
    assert other == {
        *("allow", "builtin", "distillation", "kind", "labels", "policy", "python"),
        *("spec", "timm"),
    }


@pytest.mark.parametrize("key", [*SPEC.names, *SPEC.model.model_fields])
def test_a_name_of_a_field_is_not_a_training_setting(key: str) -> None:
    assert not SPEC.is_training((key,))


@given(st.sampled_from(PATHS), st.data())
def test_a_misspelt_field_is_not_a_training_setting(
    case: tuple[FieldNames, tuple[str, ...]], data: st.DataObject
) -> None:
    names, (*outer, name) = case
    at = data.draw(st.integers(1, len(name)))
    assert not names.is_training((*outer, name[:at] + name[at - 1 :]))


def test_a_section_is_known_by_the_fields_in_it() -> None:
    held = {"hidden_size": 192, "IMG_SIZE": 224, "type": "deit", 3: 4, "init": "deit"}
    found = [("embed_dim",), ("image_size",), ("variant", "init")]
    assert SPEC.fields_in(("model",), held) == found
    assert SPEC.fields_in(("model",), {"name": "x", "type": "deit"}) == []
    assert SPEC.fields_in(("varaint",), {"init": "deit"}) == []
    assert SPEC.fields_in(("data",), {"image_size": 224}) == []
    assert RECIPE.fields_in(("model",), {"lr": 1}) == []


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
