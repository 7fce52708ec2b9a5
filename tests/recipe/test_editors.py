"""The JSON Schema of a recipe, and the descriptions of its fields."""

import json
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support import commands
from support.commands import ROOT
from support.findings import check_recipe_text

from deit_spec.diagnostics import CATALOGUE
from deit_spec.explain import RECIPE_FIELDS, explain_field
from deit_spec.recipe.recipe_schema import json_schema, json_schema_text

VALIDATOR = jsonschema.Draft202012Validator(json_schema())
BASE = (ROOT / "recipes/digits.yaml").read_text(encoding="utf-8")
VALUES = st.sampled_from(
    [None, True, 0, 1, -1, 0.5, 1.5, 7, "hard", "a b", [], [0.5], [0.1, 0.9], ["a", 1]]
)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert commands.run("schema", "--recipe").stdout == json_schema_text()


@given(st.sampled_from(RECIPE_FIELDS), VALUES)
def test_schema_and_validator_agree_on_a_field(field: str, value: object) -> None:
    section, name = field.split(".")
    recipe: dict[str, Any] = yaml.safe_load(BASE)
    recipe.setdefault(section, {})[name] = value
    found = check_recipe_text(yaml.safe_dump(recipe).encode(), "t.yaml").diagnostics
    of_field = any(each.code in {"DS102", "DS103", "DS104"} for each in found)
    has_pattern = name in {"device", "python"}
    malformed = has_pattern and any(each.code == "DS515" for each in found)
    assert VALIDATOR.is_valid(recipe) == (not of_field and not malformed)


def test_unknown_keys_are_refused() -> None:
    assert not VALIDATOR.is_valid({**yaml.safe_load(BASE), "x": 1})


@pytest.mark.parametrize("field", RECIPE_FIELDS)
def test_every_field_is_explained(field: str) -> None:
    answer = explain_field(field)
    assert answer["description"]
    assert set(answer["codes"]) <= set(CATALOGUE)


def test_a_field_is_explained_by_its_name() -> None:
    done = commands.run("explain", "optimizer.lr")
    assert done.stdout.startswith("# optimizer.lr\n\nThe peak learning rate")
    assert "- type: number, above 0\n" in done.stdout
    assert "- default: `0.0005`\n" in done.stdout
    assert "- other names: `learning_rate`\n" in done.stdout
    assert "DS518" in done.stdout
    as_json = commands.run("explain", "loss.kind", "--output-format", "json")
    assert json.loads(as_json.stdout)["default"] == "`hard`"
    lost = commands.run("explain", "optimizer.lrr")
    assert lost.returncode == 2
    assert "did you mean `optimizer.lr`?" in lost.stderr
    wrong = commands.run("explain", "optimizer.lr", "--spec", "specs/tiny.yaml")
    assert wrong.returncode == 2
