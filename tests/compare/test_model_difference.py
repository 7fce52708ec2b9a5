"""The differences between two drawn models, in fields, cost and function."""

from collections.abc import Iterable
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from support.strategies import merging_specs

import deit_spec
from deit_spec import DeiTSpec, cost
from deit_spec.compare import (
    Change,
    ComparedModel,
    ModelDifference,
    NodeChange,
    block_of,
    compare,
)
from deit_spec.graph import Target
from deit_spec.spec import check_spec


def compared(spec: DeiTSpec, reference: str = "<spec>") -> ComparedModel:
    return ComparedModel.of(reference, check_spec(spec))


def difference(a: DeiTSpec, b: DeiTSpec) -> ModelDifference:
    return compare(compared(a), compared(b))


@given(merging_specs())
def test_a_model_does_not_differ_from_itself(spec: DeiTSpec) -> None:
    found = difference(spec, spec)
    assert found.is_empty
    assert found.graph.is_empty
    assert not any((found.fields, found.graph.nodes, found.graph.results))
    assert all(amount.difference == amount.percent == 0 for amount in found.costs)


@given(merging_specs(), merging_specs())
def test_two_models(a: DeiTSpec, b: DeiTSpec) -> None:
    """The reverse is a mirror; costs equal the reports; the changes turn A into B."""
    one, other = compared(a), compared(b)
    found, reverse = compare(one, other), compare(other, one)
    assert [(each.field, each.a, each.b) for each in found.fields] == [
        (each.field, each.b, each.a) for each in reverse.fields
    ]
    assert [(each.name, each.a, each.b) for each in found.costs] == [
        (each.name, each.b, each.a) for each in reverse.costs
    ]
    assert mirrored(found.graph.nodes) == set(map(summed_up, reverse.graph.nodes))
    assert found.graph.is_empty == (not found.graph.nodes and not found.graph.results)
    check_layers(found)
    check_costs(found)
    values = a.model_dump()
    for change in found.fields:
        *outer, name = change.field.split(".")
        (values["variant"] if outer else values)[name] = change.b
    assert DeiTSpec.model_validate(values) == b


def test_inputs_are_listed_with_added_and_removed_layers() -> None:
    plain = {"image_size": 16, "patch_size": 4, "depth": 3}
    merging = {**plain, "variant": {"merge_tokens": [3, 2, 1]}}
    found = deit_spec.diff(merging, plain)
    inputs = {node.path: node.inputs for node in found.graph.nodes}
    expected = Change("inputs", "blocks.1.merge", "blocks.1.add1")
    assert inputs["blocks.1.norm2"] == (expected,)
    assert not inputs["blocks.1.norm1"]


def summed_up(node: NodeChange) -> tuple[object, ...]:
    changes = frozenset((*node.properties, *node.sizes, *node.inputs))
    return node.path, node.a, node.b, changes


def mirrored(nodes: Iterable[NodeChange]) -> set[tuple[object, ...]]:
    found = set()
    for path, a, b, changes in map(summed_up, nodes):
        assert isinstance(changes, frozenset)
        back = frozenset(Change(name, new, old) for name, old, new in changes)
        found.add((path, b, a, back))
    return found


def check_layers(found: ModelDifference) -> None:
    """Every layer of one model only is added or removed, alone or with its block."""
    for kind, here, there in (
        ("removed", found.a.graph, found.b.graph),
        ("added", found.b.graph, found.a.graph),
    ):
        units = {node.path for node in found.graph.nodes if node.kind == kind}
        alone = {path for path in here.network if path not in there.network}
        assert {path if path in units else block_of(path) for path in alone} == units
        assert found.graph.counts[kind] == len(alone)


def check_costs(found: ModelDifference) -> None:
    reports = [cost.report(each.graph, cost.Setting()) for each in (found.a, found.b)]
    assert {each.name: (each.a, each.b) for each in found.costs} == {
        "parameters": tuple(each.total.parameters for each in reports),
        "macs": tuple(each.total.count for each in reports),
        "forward_bytes": tuple(each.total.forward_bytes for each in reports),
        "peak_bytes": tuple(each.peak.bytes for each in reports),
        "training_bytes": tuple(each.total.training_bytes for each in reports),
    }


@given(merging_specs())
def test_names_and_defaults_do_not_change_the_function(spec: DeiTSpec) -> None:
    variant = spec.variant.model_copy(update={"fusion": spec.fusion})
    renamed = spec.model_copy(update={"name": "other", "variant": variant})
    assert difference(spec, renamed).graph.is_empty


def test_the_python_function(tmp_path: Path) -> None:
    """A path, a mapping and a spec are the same model; errors are raised."""
    values = {"embed_dim": 24, "num_heads": 2, "name": "small", "depth": 1}
    (tmp_path / "small.yaml").write_text(
        "".join(f"{k}: {v}\n" for k, v in values.items())
    )
    path, spec = tmp_path / "small.yaml", DeiTSpec.model_validate(values)
    for a, b in permutations((path, str(path), values, spec), 2):
        found = deit_spec.diff(a, b)
        assert isinstance(found, deit_spec.ModelDifference)
        assert found.is_empty
    other = deit_spec.diff(path, values | {"depth": 2}, target="inference")
    assert other.a.reference == str(path)
    assert other.b.reference == "small"
    assert other.a.graph.target is Target.INFERENCE
    assert [change.field for change in other.fields] == ["depth"]
    for a, b in (
        (path, {"num_heads": 7}),
        ("git:HEAD~1:none", path),
        ("none.yaml", path),
    ):
        with pytest.raises(deit_spec.SpecError):
            deit_spec.diff(a, b)
    with pytest.raises(ValueError, match="target must be one of train, inference"):
        deit_spec.diff(path, path, target="both")  # type: ignore[arg-type]
