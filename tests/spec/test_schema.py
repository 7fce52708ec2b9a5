"""The descriptions and the values of fields in the schema and in messages."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from deit_spec import DeiTSpec, Variant
from deit_spec.spec import check_spec, check_text
from deit_spec.spec.field_names import SPEC
from deit_spec.yaml_source.scalars import scalar_text

FIELDS = [
    pytest.param(model, name, id=name)
    for model in (DeiTSpec, Variant)
    for name in model.model_fields
]
LONGEST = 180


@pytest.mark.parametrize(("model", "name"), FIELDS)
def test_every_field_is_described(model: type[BaseModel], name: str) -> None:
    """In one or two sentences, with examples that the field takes."""
    info = model.model_fields[name]
    assert info.description
    assert info.description.endswith(".")
    assert info.description.count(". ") <= 1
    assert len(info.description) <= LONGEST
    path = (name,) if model is DeiTSpec else ("variant", name)
    for example in info.examples or []:
        assert SPEC.fits(path, example)
        assert example != info.default


def test_json_schema_has_them() -> None:
    properties = DeiTSpec.model_json_schema()["properties"]
    assert properties["embed_dim"]["description"] == "The width C of a token."
    assert properties["embed_dim"]["examples"] == [192, 384]


@given(st.floats())
def test_a_float_is_one_to_every_yaml(number: float) -> None:
    """As PyYAML reads 1.1, and as we read 1.2."""
    text = scalar_text(number)
    (read,) = yaml.safe_load(f"[{text}]")
    assert isinstance(read, float)
    assert read == number or (math.isnan(read) and math.isnan(number))
    if 0 < number < math.inf:
        ours = check_text(f"variant: {{layer_norm_eps: {text}}}".encode(), "t").spec
        assert ours is not None
        assert ours.variant.layer_norm_eps == number


def test_a_message_writes_a_float_so_too() -> None:
    (found,) = check_spec({"variant": {"layer_norm_eps": 0.0}}).diagnostics
    assert found.helps == ("`layer_norm_eps: 1.0e-6` is the default",)
