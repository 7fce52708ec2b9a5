"""What a field accepts, according to its schema."""

import pytest

from deit_spec.explain import FIELDS, RECIPE_FIELDS
from deit_spec.explain.field_info import (
    FieldInfo,
    find_field,
    recipe_fields,
    spec_fields,
)
from deit_spec.spec import check_spec


def info_of(field: str) -> FieldInfo:
    path = tuple(field.split("."))
    found = find_field(spec_fields(), path) or find_field(recipe_fields(), path)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("field", "type_", "range_", "default"),
    [
        ("embed_dim", "integer", "1 to 1,048,576", "`768`"),
        ("mlp_ratio", "number", "above 0, at most 1,024", "`4.0`"),
        ("dropout", "number", "at least 0, below 1", "`0.0`"),
        ("num_classes", "integer or null", "1 to 1,000,000,000", "`null`"),
        ("variant.layer_scale", "number or null", "above 0", "`null`"),
        ("variant.qkv_bias", "true or false", "", "`true`"),
        ("variant.init", "`deit` or `fan_in`", "", "`deit`"),
        ("extends", "string or null", "", "`null`"),
        ("name", "string", "at most 60 characters", "the name of the file"),
        ("variant", "mapping", "", "the defaults of its fields"),
        ("optimizer.lr", "number", "above 0", "`0.0005`"),
        ("optimizer.betas", "list", "", "`[0.9, 0.999]`"),
        ("schedule.batch_size", "integer", "at least 1", "`1024`"),
        ("student.spec", "string", "", "none, the field is required"),
        ("teacher", "mapping or null", "", "the defaults of its fields"),
        ("data.builtin", "`digits` or null", "", "`null`"),
    ],
)
def test_fields(field: str, type_: str, range_: str, default: str) -> None:
    info = info_of(field)
    assert (info.type_text, info.range_text, info.default_text) == (
        type_,
        range_,
        default,
    )


@pytest.mark.parametrize("field", [*FIELDS, *RECIPE_FIELDS])
def test_every_field_is_described(field: str) -> None:
    assert info_of(field).description
    assert info_of(field).type_text


@pytest.mark.parametrize(
    "field", [f for f in FIELDS if "maximum" in info_of(f).types[0]]
)
def test_the_range_is_accepted_and_no_more(field: str) -> None:
    bounds = info_of(field).types[0]
    most = bounds["maximum"]
    for value, code in [(most, "DS212"), (most * 2, "DS212"), (0, "DS103")]:
        codes = {found.code for found in check_spec({field: value}).diagnostics}
        assert (code in codes) == (value != most), value


@pytest.mark.parametrize("field", FIELDS)
def test_alternatives_are_other_valid_values(field: str) -> None:
    info = info_of(field)
    for other in info.alternatives(info.default):
        assert other != info.default
        *outer, name = info.path
        spec = {"variant": {name: other}} if outer else {name: other}
        codes = {found.code for found in check_spec(spec).diagnostics}
        assert not codes & {"DS102", "DS103", "DS104"}
