"""The layers that depend on a field, and where its value comes from."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import specs

from deit_spec import DeiTSpec, LayerGraph
from deit_spec.explain import FIELDS
from deit_spec.explain.field_info import FieldInfo, find_field, spec_fields
from deit_spec.explain.field_page import SYMBOLS, affected_layers, provenance
from deit_spec.pipeline import lower
from deit_spec.spec import check_spec, check_text

PASSIVE = {"name", "extends", "taps", "variant"}
ACTING = [field for field in FIELDS if field not in PASSIVE]


def info_of(field: str) -> FieldInfo:
    found = find_field(spec_fields(), tuple(field.split(".")))
    assert found is not None
    return found


LAYERS = {field: affected_layers(info_of(field)) for field in ACTING}


def different(before: LayerGraph, after: LayerGraph) -> set[str]:
    """The layers that differ between two graphs."""
    old, new = dict(before.ops()), dict(after.ops())
    changed = {
        path
        for path in old.keys() & new.keys()
        if old[path] != new[path] or before.inputs(path) != after.inputs(path)
    }
    paths = changed | (old.keys() ^ new.keys())
    return {re.sub(r"\.\d+\.", ".*.", path) for path in paths}


def with_value(spec: DeiTSpec, field: str, value: object) -> DeiTSpec | None:
    """The spec with another value, if it is valid and all settings have an effect."""
    fields = spec.model_dump(exclude={"name", "extends"})
    if not spec.has_two_heads:
        del fields["variant"]["fusion"]
    *outer, name = field.split(".")
    (fields["variant"] if outer else fields)[name] = value
    checked = check_spec(fields)
    unused = "DS211" in {found.code for found in checked.diagnostics}
    return None if unused else checked.spec


@pytest.mark.parametrize("field", ACTING)
def test_every_field_affects_a_layer(field: str) -> None:
    assert LAYERS[field]


@given(specs(), st.sampled_from(ACTING))
def test_no_other_layers_change_in_any_spec(spec: DeiTSpec, field: str) -> None:
    *outer, name = field.split(".")
    value = getattr(spec.variant if outer else spec, name)
    base = with_value(spec, field, value)
    if base is None:
        return
    shown = {layer["path"] for layer in LAYERS[field]}
    for other in info_of(field).alternatives(value):
        after = with_value(spec, field, other)
        if after is not None:
            assert different(lower(base), lower(after)) <= shown


def test_a_layer_of_all_blocks_is_listed_once() -> None:
    assert LAYERS["variant.qkv_bias"] == [
        {"path": "blocks.*.attn.qkv", "op": "Linear", "parameters": "weight [3C, C]"}
    ]


@given(specs())
def test_symbols_are_the_sizes_of_their_fields(spec: DeiTSpec) -> None:
    graph = lower(spec)
    sizes = {
        dim.symbol: dim.size // dim.factor
        for path in graph
        for dim in graph.shape(path)
        if dim.symbol and dim.size is not None
    }
    for field, symbol in SYMBOLS.items():
        assert sizes.get(symbol, getattr(spec, field)) == getattr(spec, field)
    assert {"C", "H"} <= sizes.keys()


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
        ("depth", "`depth: 4`, from top.yaml:1:8"),
        ("extends", "`extends: middle.yaml`, from top.yaml:2:10"),
        (
            "image_size",
            (
                "`image_size: 384`, from middle.yaml:2:13 "
                "through `extends` at top.yaml:2:10"
            ),
        ),
        (
            "variant.drop_path",
            (
                "`variant.drop_path: 0.1`, from middle.yaml:4:14 "
                "through `extends` at top.yaml:2:10"
            ),
        ),
        (
            "num_heads",
            (
                "`num_heads: 3`, from published:deit_tiny_patch16_224:4:12 "
                "through `extends` at middle.yaml:1:10 "
                "through `extends` at top.yaml:2:10"
            ),
        ),
        ("variant.qkv_bias", "`variant.qkv_bias: true`, by default"),
        ("name", "`name: top`, by default"),
    ],
)
@pytest.mark.usefixtures("chain")
def test_value_of_a_spec(field: str, text: str) -> None:
    found = provenance(check_spec("top.yaml"), info_of(field))
    assert found is not None
    assert found["text"] == text


@pytest.mark.parametrize("value", ['"nowhere.yaml"', "nowhere.yaml"])
def test_an_extends_that_does_not_exist(value: str) -> None:
    checked = check_text(f"extends: {value}\n".encode(), "t.yaml")
    found = provenance(checked, info_of("extends"))
    assert found is not None
    assert found["text"] == "`extends: nowhere.yaml`, from t.yaml:1:10"


def test_a_spec_with_errors() -> None:
    checked = check_text(b"num_heads: 7\ndepth: 3.5\n", "t.yaml")
    assert checked.spec is None
    found = provenance(checked, info_of("depth"))
    assert found is not None
    assert (found["value"], found["text"]) == (3.5, "`depth: 3.5`, from t.yaml:2:8")
    found = provenance(checked, info_of("dropout"))
    assert found is not None
    assert (found["value"], found["from"]) == (0.0, "default")


@pytest.mark.parametrize("text", [b"[1]", b"a: [", b"depth: 3\nembed_dim 5\n"])
def test_values_that_are_not_known(text: bytes) -> None:
    checked = check_text(text, "t.yaml")
    assert provenance(checked, info_of("num_heads")) is None


def test_a_variant_that_is_not_a_mapping() -> None:
    checked = check_text(b"variant: 3\n", "t.yaml")
    found = provenance(checked, info_of("variant.init"))
    assert found is not None
    assert (found["value"], found["from"]) == ("deit", "default")
