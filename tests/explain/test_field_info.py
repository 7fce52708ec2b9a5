"""What a field accepts, according to its schema, and where its value comes from."""

from pathlib import Path

import pytest

from deit_spec.explain.field_effects import alternatives
from deit_spec.explain.field_info import (
    FieldInfo,
    Provenance,
    find_field,
    origin_text,
    recipe_fields,
    spec_fields,
    trace,
)
from deit_spec.explain.topics import FIELDS, RECIPE_FIELDS
from deit_spec.spec import check_spec, check_text


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
    for other in alternatives(info, info.default):
        assert other != info.default
        *outer, name = info.path
        spec = {"variant": {name: other}} if outer else {name: other}
        codes = {found.code for found in check_spec(spec).diagnostics}
        assert not codes & {"DS102", "DS103", "DS104"}


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("top.yaml").write_text("depth: 4\nextends: middle.yaml\n")
    Path("middle.yaml").write_text(
        "extends: deit_tiny_patch16_224\nimage_size: 384\nvariant:\n  drop_path: 0.1\n"
    )


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("depth", "`depth: 4`, at top.yaml:1:8"),
        ("extends", "`extends: middle.yaml`, at top.yaml:2:10"),
        (
            "image_size",
            "`image_size: 384`, at middle.yaml:2:13, by `extends` at top.yaml:2:10",
        ),
        (
            "variant.drop_path",
            (
                "`variant.drop_path: 0.1`, at middle.yaml:4:14, "
                "by `extends` at top.yaml:2:10"
            ),
        ),
        (
            "num_heads",
            (
                "`num_heads: 3`, at published:deit_tiny_patch16_224:4:12, "
                "by `extends` at middle.yaml:1:10, by `extends` at top.yaml:2:10"
            ),
        ),
        ("variant.qkv_bias", "`variant.qkv_bias: true`, by default"),
        ("name", "`name: top`, by default"),
    ],
)
@pytest.mark.usefixtures("chain")
def test_value_of_a_spec(field: str, text: str) -> None:
    found = trace(check_spec("top.yaml"), tuple(field.split(".")))
    assert found is not None
    assert origin_text(found, field) == text


@pytest.mark.parametrize("value", ['"nowhere.yaml"', "nowhere.yaml"])
def test_an_extends_that_does_not_exist(value: str) -> None:
    checked = check_text(f"extends: {value}\n".encode(), "t.yaml")
    found = trace(checked, ("extends",))
    assert found is not None
    assert (found.value, str(found.span)) == ("nowhere.yaml", "t.yaml:1:10")


def test_a_spec_with_errors() -> None:
    checked = check_text(b"num_heads: 7\ndepth: 3.5\n", "t.yaml")
    assert checked.spec is None
    found = trace(checked, ("depth",))
    assert found is not None
    assert (found.value, str(found.span)) == (3.5, "t.yaml:2:8")
    assert trace(checked, ("dropout",)) == Provenance(0.0, None)


@pytest.mark.parametrize("text", [b"[1]", b"a: [", b"depth: 3\nembed_dim 5\n"])
def test_values_that_are_not_known(text: bytes) -> None:
    assert trace(check_text(text, "t.yaml"), ("num_heads",)) is None


def test_a_variant_that_is_not_a_mapping() -> None:
    found = trace(check_text(b"variant: 3\n", "t.yaml"), ("variant", "init"))
    assert found == Provenance("deit", None)
