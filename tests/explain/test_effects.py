"""Where a field acts: what is told of a small model holds for every model."""

import re
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from support.strategies import specs

from deit_spec import DeiTSpec, LayerGraph
from deit_spec.explain import FIELDS, Effect, effects
from deit_spec.explain.facts import alternatives
from deit_spec.explain.layers import Layers
from deit_spec.pipeline import lower
from deit_spec.spec import check_spec

SAY_NOTHING = {"name", "extends", "variant"}
ACTING = [field for field in FIELDS if field not in SAY_NOTHING]
KNOWN = {field: effects(field) for field in ACTING}


def without_numbers(path: str) -> str:
    return re.sub(r"\.\d+(\.\.\d+)?(?=\.|$)", ".N", path)


def told(found: Iterable[Effect]) -> set[str]:
    """The layers that are named as changed, added, removed or rewired."""
    groups = [
        group
        for each in found
        for group in (each.changed, each.added, each.removed, each.rewired)
    ]
    return {without_numbers(layers.path) for group in groups for layers in group}


def touched(before: LayerGraph, after: LayerGraph) -> set[str]:
    """The layers that differ between two graphs, one by one."""
    old, new = dict(before.ops()), dict(after.ops())
    differ = {
        path
        for path in old.keys() & new.keys()
        if old[path] != new[path] or before.inputs(path) != after.inputs(path)
    }
    return {without_numbers(path) for path in differ | (old.keys() ^ new.keys())}


def covers(paths: set[str], path: str) -> bool:
    """Whether a path, or a group that it is in, is among those told."""
    parts = path.split(".")
    return any(".".join(parts[:end]) in paths for end in range(1, len(parts) + 1))


def with_value(spec: DeiTSpec, field: str, value: object) -> DeiTSpec | None:
    """The spec with another value, where that is one and every setting has effect."""
    written = spec.model_dump(exclude={"name", "extends"})
    if not spec.has_two_heads:
        del written["variant"]["fusion"]
    *outer, name = field.split(".")
    (written["variant"] if outer else written)[name] = value
    checked = check_spec(written)
    # What has no effect may gain one by a change, so a warning says of it.
    idle = "DS211" in {found.code for found in checked.diagnostics}
    return None if idle else checked.spec


@pytest.mark.parametrize("field", ACTING)
def test_every_field_acts_somewhere(field: str) -> None:
    assert KNOWN[field]
    assert told(KNOWN[field]) or any(each.results for each in KNOWN[field])


@pytest.mark.parametrize("field", sorted(SAY_NOTHING))
def test_what_is_no_part_of_the_model_acts_nowhere(field: str) -> None:
    assert effects(field) == []


@pytest.mark.parametrize("field", ACTING)
@given(specs())
@settings(max_examples=20)
def test_what_is_told_holds_for_every_spec(field: str, spec: DeiTSpec) -> None:
    """Change one field of any spec: no layer differs that was not named."""
    *outer, name = field.split(".")
    value = getattr(spec.variant if outer else spec, name)
    base = with_value(spec, field, value)
    if base is None:
        return
    for other in alternatives(field, value):
        after = with_value(spec, field, other)
        if after is not None:
            differ = touched(lower(base), lower(after))
            paths = told(KNOWN[field])
            assert {path for path in differ if not covers(paths, path)} == set()


def test_symbols_are_those_of_the_sizes() -> None:
    symbols = {
        field: {symbol for each in KNOWN[field] for symbol in each.symbols}
        for field in ACTING
    }
    assert {field: found for field, found in symbols.items() if found} == {
        "embed_dim": {"C"},
        "num_heads": {"H"},
        "num_classes": {"K"},
        "teacher_num_classes": {"T"},
    }


def test_sizes_that_follow() -> None:
    (found,) = KNOWN["image_size"]
    assert found.sizes == {"P": (64, 256), "N": (66, 258)}


def test_equal_blocks_are_told_once() -> None:
    (found,) = KNOWN["variant.drop_path"]
    # The first block has the rate 0, whatever the last one has.
    assert found.changed == (
        Layers("blocks.1..11.drop_path1", "DropPath"),
        Layers("blocks.1..11.drop_path2", "DropPath"),
    )


def test_whole_blocks_are_told_as_one() -> None:
    (found,) = KNOWN["depth"]
    assert found.added == (Layers("blocks.12..23", "each of 22 layers"),)
    assert found.rewired == (
        Layers("norm", "LayerNorm", ("weight [C]", "bias [C]"), ("blocks.23.add2",)),
    )


def test_parameters_are_shown_by_their_symbols() -> None:
    (found,) = KNOWN["variant.qkv_bias"]
    assert found.changed == (
        Layers("blocks.0..11.attn.qkv", "Linear", ("weight [3C, C]",)),
    )


def test_another_result_is_told() -> None:
    results = {each.after: each.results for each in KNOWN["num_classes"]}
    assert results["null"] == (
        "`forward` returns `features` in place of `cls`, `dist`",
        "there is no `predict`",
    )
    turned = {each.after: each.results for each in KNOWN["variant.fusion"]}
    assert turned["dist"] == ("`predict` returns `head_dist` in place of `predict`",)
