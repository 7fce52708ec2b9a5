"""Where a field acts: what is shown for a small model holds for every model."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import specs

from deit_spec import DeiTSpec, LayerGraph
from deit_spec.explain import FIELDS
from deit_spec.explain.field_effects import Change, Effect, alternatives, find_effects
from deit_spec.explain.field_info import FieldInfo, find_field, spec_fields
from deit_spec.pipeline import lower
from deit_spec.spec import check_spec

ACTING = [field for field in FIELDS if field not in {"name", "extends", "variant"}]


def info_of(field: str) -> FieldInfo:
    found = find_field(spec_fields(), tuple(field.split(".")))
    assert found is not None
    return found


EFFECTS = {field: find_effects(info_of(field)) for field in ACTING}


def only(field: str) -> Effect:
    (effect,) = EFFECTS[field]
    return effect


def without_numbers(path: str) -> str:
    return re.sub(r"\.\d+(?=\.|$)", ".*", path)


def different(before: LayerGraph, after: LayerGraph) -> set[str]:
    """The layers that differ between two graphs."""
    old, new = dict(before.ops()), dict(after.ops())
    changed = {
        path
        for path in old.keys() & new.keys()
        if old[path] != new[path] or before.inputs(path) != after.inputs(path)
    }
    return {without_numbers(path) for path in changed | (old.keys() ^ new.keys())}


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
def test_every_field_has_an_effect(field: str) -> None:
    assert EFFECTS[field]
    assert all(each.changes or each.results for each in EFFECTS[field])


@given(specs(), st.sampled_from(ACTING))
def test_no_other_layers_change_in_any_spec(spec: DeiTSpec, field: str) -> None:
    *outer, name = field.split(".")
    value = getattr(spec.variant if outer else spec, name)
    base = with_value(spec, field, value)
    if base is None:
        return
    shown = {change.path for each in EFFECTS[field] for change in each.changes}
    for other in alternatives(info_of(field), value):
        after = with_value(spec, field, other)
        if after is not None:
            paths = different(lower(base), lower(after))
            blocks = {path for path in paths if path.startswith("blocks.*.")}
            assert (paths - blocks if "blocks.*" in shown else paths) <= shown


def test_sizes() -> None:
    assert only("image_size").sizes == {"P": (64, 256), "N": (66, 258)}
    assert only("embed_dim").sizes["C"] == (48, 96)


def test_equal_blocks_are_shown_once() -> None:
    assert only("variant.drop_path").changes == (
        Change("changed", "blocks.*.drop_path1", "DropPath"),
        Change("changed", "blocks.*.drop_path2", "DropPath"),
    )
    assert only("variant.qkv_bias").changes == (
        Change("changed", "blocks.*.attn.qkv", "Linear", "weight [3C, C]"),
    )


def test_whole_blocks_are_shown_as_one() -> None:
    assert only("depth").changes[-2:] == (
        Change("changed", "norm", "LayerNorm", "weight [C], bias [C]"),
        Change("added", "blocks.*", "block of 22 layers"),
    )


def test_results() -> None:
    results = {each.after: each.results for each in EFFECTS["num_classes"]}
    assert results["null"] == (
        "`forward` returns `features` instead of `cls`, `dist`",
        "there is no `predict`",
    )
