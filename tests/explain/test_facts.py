"""What a field takes is told as the schema has it."""

import pytest

from deit_spec.explain import facts
from deit_spec.explain.topics import FIELDS
from deit_spec.spec import check_spec
from deit_spec.spec.field_names import SPEC
from deit_spec.spec.model_limits import LARGEST


@pytest.mark.parametrize(
    ("field", "type_", "range_", "default"),
    [
        ("embed_dim", "integer", "1 to 1,048,576", "`768`"),
        ("mlp_ratio", "number", "above 0, at most 1,024", "`4.0`"),
        ("dropout", "number", "from 0, below 1", "`0.0`"),
        ("num_classes", "integer or null", "1 to 1,000,000,000", "`null`"),
        ("variant.layer_scale", "number or null", "above 0", "`null`"),
        ("variant.qkv_bias", "true or false", "", "`true`"),
        ("variant.init", "`deit` or `fan_in`", "", "`deit`"),
        ("extends", "string or null", "", "`null`"),
        ("variant", "mapping", "", "the default of each of its fields"),
    ],
)
def test_fields(field: str, type_: str, range_: str, default: str) -> None:
    assert facts.type_of(field) == type_
    assert facts.range_of(field) == range_
    assert facts.default_text(field) == default


@pytest.mark.parametrize("field", [f for f in LARGEST if f != "mlp_ratio"])
def test_the_ends_of_a_range_are_taken_and_no_more(field: str) -> None:
    least, most = (
        int(number.replace(",", "")) for number in facts.range_of(field).split(" to ")
    )
    assert SPEC.fits((field,), least)
    assert not SPEC.fits((field,), least - 1)
    limits = [
        [found.code for found in check_spec({field: size}).diagnostics]
        for size in (most, most + 1)
    ]
    assert "DS212" not in limits[0]
    assert "DS212" in limits[1]


def test_the_ten_fields_of_build_opt() -> None:
    assert [field for field in FIELDS if facts.in_build_opt(field)] == [
        "image_size",
        "patch_size",
        "in_channels",
        "embed_dim",
        "depth",
        "num_heads",
        "mlp_ratio",
        "dropout",
        "num_classes",
        "teacher_num_classes",
    ]


def test_other_names() -> None:
    assert "hidden_size" in facts.synonyms_of("embed_dim")
    assert facts.synonyms_of("variant.drop_path") == ("drop_path_rate",)


@pytest.mark.parametrize("field", FIELDS)
def test_alternatives_are_other_values_that_the_field_takes(field: str) -> None:
    path = facts.path_of(field)
    value = SPEC.default_of(path)
    for other in facts.alternatives(field, value):
        assert other != value
        assert SPEC.fits(path, other)
