"""The differences between two drawn models, in fields, cost and function."""

from hypothesis import given
from support.strategies import merging_specs

from deit_spec import DeiTSpec, cost
from deit_spec.compare import ComparedModel, ModelDifference, compare
from deit_spec.spec import check_spec


def compared(spec: DeiTSpec, reference: str = "<spec>") -> ComparedModel:
    return ComparedModel.of(reference, check_spec(spec))


def difference(a: DeiTSpec, b: DeiTSpec) -> ModelDifference:
    return compare(compared(a), compared(b))


@given(merging_specs())
def test_a_model_does_not_differ_from_itself(spec: DeiTSpec) -> None:
    found = difference(spec, spec)
    assert found.is_same_function
    assert not found.fields
    assert all(amount.difference == amount.percent == 0 for amount in found.costs)


@given(merging_specs(), merging_specs())
def test_two_models(a: DeiTSpec, b: DeiTSpec) -> None:
    """The reverse is a mirror; costs are those of reports; the changes make B of A."""
    one, other = compared(a), compared(b)
    found, reverse = compare(one, other), compare(other, one)
    assert [(each.field, each.a, each.b) for each in found.fields] == [
        (each.field, each.b, each.a) for each in reverse.fields
    ]
    assert [(each.name, each.a, each.b) for each in found.costs] == [
        (each.name, each.b, each.a) for each in reverse.costs
    ]
    assert found.digests == reverse.digests[::-1]
    check_costs(found)
    values = a.model_dump()
    for change in found.fields:
        *outer, name = change.field.split(".")
        (values["variant"] if outer else values)[name] = change.b
    assert DeiTSpec.model_validate(values) == b


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
    assert difference(spec, renamed).is_same_function
