"""Whatever a document says, the answer is a spec or findings with code and place."""

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import specs

import deit_spec
from deit_spec import DeiTSpec, SpecError, Variant
from deit_spec.diagnostics import CATALOGUE, Diagnostic, has_errors
from deit_spec.spec import check_spec, check_text, with_merge_tokens
from deit_spec.spec.fixes import fix_text

KEYS = st.sampled_from([*DeiTSpec.model_fields, "variant", "dept", "num-heads", ""])
INNER = st.sampled_from([*Variant.model_fields, "fusions", "depth"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-2, 1025)
    | st.integers(1, 70_000)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["cls", "mean_tokens", "all", 10**40, -0.0, 1e308, 5e-324])
)
DOCUMENTS = st.dictionaries(
    KEYS,
    SCALARS
    | st.lists(SCALARS, max_size=2)
    | st.dictionaries(INNER, SCALARS | st.lists(SCALARS, max_size=2), max_size=4),
    max_size=8,
)


def assert_well_formed(diagnostics: tuple[Diagnostic, ...]) -> None:
    for found in diagnostics:
        assert found.severity is CATALOGUE[found.code].severity
        assert found.code != "DS901"
        assert found.message
        span = found.primary.span
        assert 1 <= span.line <= len(span.source.lines)
        assert 1 <= span.column <= len(span.source.lines[span.line - 1]) + 1
        assert "\n" not in found.message


@given(DOCUMENTS)
def test_any_document_in_yaml(value: dict[str, Any]) -> None:
    text = yaml.safe_dump(value, allow_unicode=True)
    checked = check_text(text.encode("utf-8", "surrogatepass"), "t.yaml")
    assert_well_formed(checked.diagnostics)
    assert (checked.spec is None) == has_errors(checked.diagnostics)
    if checked.spec is not None and checked.spec.depth < 50:
        deit_spec.compile(checked.spec)


# Python writes no integer of more than 4,300 digits.
LONG = SCALARS | st.sampled_from([1, -1]).map(lambda sign: sign * 10**5000)
FROM_PYTHON = (
    DOCUMENTS | st.dictionaries(LONG, LONG, max_size=3) | st.dictionaries(KEYS, LONG)
)


@given(FROM_PYTHON)
def test_any_mapping(value: dict[Any, Any]) -> None:
    checked = check_spec(value)
    assert_well_formed(checked.diagnostics)
    if checked.spec is None:
        with pytest.raises(SpecError) as caught:
            deit_spec.load_spec(value)
        again = [(f.code, f.message) for f in caught.value.diagnostics]
        assert again == [(f.code, f.message) for f in checked.diagnostics]
        assert all(found.code in str(caught.value) for found in checked.diagnostics)


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace"))
)
def test_any_bytes(data: bytes) -> None:
    checked = check_text(data, "t.yaml")
    assert_well_formed(checked.diagnostics)
    assert (checked.spec is None) == has_errors(checked.diagnostics)


@given(specs(), st.data())
def test_one_broken_value_is_one_finding_there(
    spec: DeiTSpec, data: st.DataObject
) -> None:
    """A value of the wrong type is found at that value, and alone."""
    value = spec.model_dump()
    value["variant"] = dict(value["variant"])
    fields = [(value, f) for f in value if f not in {"variant", "extends", "name"}]
    inner = value["variant"]
    holder, field = data.draw(st.sampled_from(fields + [(inner, f) for f in inner]))
    holder[field] = data.draw(st.sampled_from([[1], {"a": 1}, math.nan, "x y", -5]))
    if holder[field] == -5 and isinstance(getattr(spec.variant, field, None), bool):
        holder[field] = "yes"
    if holder[field] == [1] and field == "merge_tokens":
        holder[field] = ["x"]
    del value["extends"]
    text = yaml.safe_dump(value, sort_keys=False)
    found = [
        finding
        for finding in check_text(text.encode(), "t.yaml").diagnostics
        if finding.severity.value == "error"
    ]
    assert len(found) == 1
    assert found[0].code in {"DS102", "DS103", "DS104"}
    span = found[0].primary.span
    # A block value begins on the line after its key.
    near = span.source.lines[max(span.line - 2, 0) : span.line]
    assert any(line.strip().startswith(f"{field}:") for line in near)


@given(specs())
def test_valid_specs_have_no_errors(spec: DeiTSpec) -> None:
    """From Python, from a mapping and from YAML, a spec means the same."""
    value = spec.model_dump(exclude_none=True)
    text = yaml.safe_dump(value, allow_unicode=True)
    read = check_text(text.encode(), "t.yaml")
    assert not has_errors(read.diagnostics)
    assert read.spec is not None
    assert read.spec == spec
    assert deit_spec.load_spec(spec) == deit_spec.load_spec(value) == spec
    assert read.spec.digest == spec.digest


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        ({"\ud800": 1}, "DS101", "unknown key `\\ud800`"),
        ({"dropout": 10**400}, "DS103", "dropout must be within the range of a float"),
        ({"mlp_ratio": -(10**5000)}, "DS103", "mlp_ratio must be within the range"),
        ({"depth": -(10**5000)}, "DS103", "depth must be greater than 0"),
        ({"name": 10**5000}, "DS102", "name is not a string"),
        ({"depth": object()}, "DS102", "depth is not an integer"),
    ],
)
def test_values_of_python(value: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(deit_spec.SpecError) as caught:
        deit_spec.load_spec(value)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert found.message.startswith(message)


@pytest.mark.parametrize(
    ("text", "helps"),
    [
        ("depth: 11.99999999999999999999\n", ("`depth: 12` is the default",)),
        (
            "num_classes: 9007199254740993.0\n",
            ("for example, `num_classes: 1000` or `num_classes: null`",),
        ),
    ],
)
def test_digits_that_a_float_rounds_away(text: str, helps: tuple[str, ...]) -> None:
    (found,) = check_text(text.encode(), "a.yaml").diagnostics
    assert (found.code, found.helps, found.fix) == ("DS102", helps, None)
    assert (
        fix_text(text.encode(), lambda d: check_text(d, "a.yaml")).after
        == text.encode()
    )


def test_findings_about_merge_tokens_are_at_the_option() -> None:
    """And where the spec has the other value, also if it has `merge_tokens` itself."""
    text = b"image_size: 32\ndepth: 3\nvariant: {merge_tokens: [1, 2, 3]}\n"
    checked = check_text(text, "a.yaml")
    (found,) = with_merge_tokens(checked, (1, 2)).diagnostics
    assert (found.code, str(found.primary.span)) == ("DS214", "--merge-tokens:1:1")
    assert found.primary.span.source.text == "1,2"
    assert [str(each.span) for each in found.secondary] == ["a.yaml:2:8"]
    (found,) = with_merge_tokens(checked, (1, -2, 3)).diagnostics
    assert (found.code, str(found.primary.span)) == ("DS103", "--merge-tokens:1:1")
