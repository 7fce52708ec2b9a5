"""The JSON Schema says of a document what the validator says, but for one list."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from support.commands import ROOT, SPECS, run
from support.published import PUBLISHED
from support.strategies import specs

from deit_spec import DeiTSpec, Variant
from deit_spec.diagnostics import Diagnostic, Severity
from deit_spec.spec import Checked, check_text
from deit_spec.spec.spec_json_schema import BEYOND, json_schema, json_schema_text

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
BETWEEN_FIELDS = {"DS206", "DS210"}
ALWAYS_BEYOND = {"DS008", "DS009", "DS106", "DS201", "DS203", "DS205", "DS207"}

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-1, 1025)
    | st.sampled_from([65_536, 65_537, 1_048_576, 10**9, 10**9 + 1, 10**40])
    | st.floats()
    | st.sampled_from([12.0, -0.0, 1.0, 1e308, 5e-324])
    | st.text(max_size=8)
    | st.sampled_from(["cls", "dist", "mean_tokens", "patches", "fan_in", "é", "a\n"])
    | st.sampled_from(["x" * 60, "x" * 61, "a.b+c-d", "a b", "_", "", "on", "12"])
)
VALUES = (
    SCALARS
    | st.lists(SCALARS, max_size=2)
    | st.dictionaries(st.sampled_from(["a", "depth"]), SCALARS, max_size=2)
)
TOP = st.sampled_from([*DeiTSpec.model_fields, "dept", "fusion", "é", ""])
INNER = st.sampled_from([*Variant.model_fields, "fusions", "depth"])
EXTENDS = st.sampled_from([None, *PUBLISHED]) | st.sampled_from(
    ["nowhere.yaml", "", True, 3, 1.5, []]
)
ARBITRARY = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys((*DeiTSpec.model_fields, "dept", ""), VALUES),
        "extends": EXTENDS,
        "variant": st.dictionaries(INNER, VALUES, max_size=5) | VALUES,
    },
)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A valid document with a few places written anew, removed or added."""
    spec: dict[str, Any] = draw(specs()).model_dump(mode="json", exclude={"extends"})
    for _ in range(draw(st.integers(0, 3))):
        inside = draw(st.booleans()) and isinstance(spec.get("variant"), dict)
        holder, keys = (spec["variant"], INNER) if inside else (spec, TOP)
        key = draw(keys)
        if draw(st.booleans()):
            holder.pop(key, None)
        else:
            holder[key] = draw(EXTENDS if key == "extends" else VALUES)
    return spec


@given(ARBITRARY | mutated() | SCALARS | st.lists(SCALARS, max_size=2))
@example({"variant": {"distillation_token": False}, "teacher_num_classes": 5})
@example({"variant": {"distillation_token": False, "readout": "mean_tokens"}})
@example({"num_classes": 1, "variant": {"distillation_token": False}})
@example(None)
def test_schema_and_validator_agree(value: Any) -> None:
    """What the schema finds, and where, the validator finds; and the reverse."""
    # A text without quotes may be a pair without its colon, such as `depth 12`.
    dump = json.dumps if isinstance(value, str) else yaml.safe_dump
    checked = check_text(dump(value).encode(), "t.yaml")
    errors = [each for each in checked.diagnostics if each.severity is Severity.ERROR]
    beyond = [each for each in errors if _is_beyond(each, checked, value)]
    own = [each for each in errors if each not in beyond]
    alone = {_place(each, checked) for each in own if each.code not in BETWEEN_FIELDS}
    found = [*VALIDATOR.iter_errors(value)]
    of_fields = {place for each in found for place in _places(each)}
    maybe = {_place(each, checked) for each in beyond}
    is_partial = checked.document is not None and checked.document.recovered
    if is_partial or any(each.code in {"DS101", "DS102"} for each in own):
        # Limits are not checked if a misspelt key may mean the field, or if `extends`
        # is invalid or cannot be read.
        maybe |= {(*e.absolute_path,) for e in found if e.validator == "maximum"}
    assert alone <= of_fields <= alone | maybe
    assert bool(own) <= bool(found) <= bool(errors)


def _is_beyond(error: Diagnostic, checked: Checked, value: Any) -> bool:
    """Whether an error is of the kind that `BEYOND` says of its code."""
    written = value
    for key in _place(error, checked):
        written = written[key]
    match error.code:
        case "DS102":
            return isinstance(written, float) and written.is_integer()
        case "DS103":
            return isinstance(written, float) and not math.isfinite(written)
        case "DS107":
            return not written.isascii() or written.endswith("\n")
        case "DS206" | "DS210":
            return value.get("extends") is not None
        case "DS212":
            return "parameters" in error.message
        case code:
            return code in ALWAYS_BEYOND


def _place(error: Diagnostic, checked: Checked) -> tuple[str | int, ...]:
    """The way to what an error points at; what is inherited has none."""
    if checked.document is None:
        return ()
    span = error.primary.span
    return next(
        (
            path
            for path, entry in reversed(checked.document.spans.items())
            if span == (entry.key if error.code == "DS101" else entry.value)
            and span.source is checked.document.source
        ),
        (),
    )


def _places(
    error: jsonschema.ValidationError,
) -> Iterator[tuple[str | int, ...]]:
    """Where the schema finds something by a keyword of one field."""
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        assert isinstance(error.instance, dict)
        yield from ((*path, key) for key in error.instance if key not in _keys(path))
    elif "then" not in error.absolute_schema_path:
        yield path


def _keys(path: tuple[str | int, ...]) -> dict[str, Any]:
    return Variant.model_fields if path else DeiTSpec.model_fields


EXAMPLES = {
    "DS001": "a: [",
    "DS214": "variant:\n  merge_tokens: 500\n",
    "DS002": "name: \xff",
    "DS003": "depth: 3\ndepth: 3\n",
    "DS004": "depth: 3\n---\ndepth: 4\n",
    "DS005": "3: 4\n",
    "DS006": "depth: !!int 3\nname: !mine x\n",
    "DS007": "<<: {depth: 3}\n",
    "DS008": f"variant: {{layer_scale: 0.{'1' * 100}}}\n",
    "DS009": "extends: nowhere.yaml\n",
    "DS106": "extends: itself.yaml\n",
    "DS102": "depth: 12.0\n",
    "DS103": "variant: {layer_scale: .inf}\n",
    "DS107": "name: a→b\n",
    "DS201": "image_size: 225\n",
    "DS203": "num_heads: 7\n",
    "DS205": "mlp_ratio: 1.0e-6\n",
    "DS206": "extends: deit_tiny_patch16_224\nteacher_num_classes: 5\n",
    "DS207": "num_classes: 5\nteacher_num_classes: 6\nvariant: {fusion: mean_logits}\n",
    "DS210": "extends: deit_tiny_patch16_224\nvariant: {readout: mean_tokens}\n",
    "DS212": "embed_dim: 1048572\n",
}
UNREAD = {"DS001", "DS002", "DS003", "DS004", "DS005", "DS006", "DS007"}
"""What no value is made of, so that no schema sees it."""


@pytest.mark.parametrize("code", EXAMPLES)
def test_what_is_beyond_the_schema(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each exception is one: the validator refuses it and the schema does not."""
    monkeypatch.chdir(tmp_path)
    text = EXAMPLES[code]
    Path("itself.yaml").write_text("extends: itself.yaml\n", encoding="utf-8")
    data = text.encode("latin-1" if code == "DS002" else "utf-8")
    found = check_text(data, "t.yaml").diagnostics
    errors = {each.code for each in found if each.severity is Severity.ERROR}
    assert errors == {code}
    if code not in UNREAD:
        VALIDATOR.validate(yaml.safe_load(text))


def test_every_exception_is_listed() -> None:
    combined = {
        code for code in EXAMPLES if any(code in words for words in BEYOND.values())
    }
    assert combined.isdisjoint(BEYOND)
    assert combined | BEYOND.keys() == EXAMPLES.keys()
    assert EXAMPLES.keys() >= ALWAYS_BEYOND | BETWEEN_FIELDS


def test_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_defaults_and_examples_fit() -> None:
    for schema in (SCHEMA, SCHEMA["properties"]["variant"]):
        for name, field in schema["properties"].items():
            assert field["description"], name
            own = jsonschema.Draft202012Validator(field)
            for value in (field.get("default", "x"), *field.get("examples", [])):
                own.validate(value)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_specs_fit(name: str) -> None:
    text = (SPECS / "published" / f"{name}.yaml").read_text(encoding="utf-8")
    VALIDATOR.validate(yaml.safe_load(text))


@pytest.mark.parametrize("text", ['extends: ""\n', "name: a/b\n", "mlp_ratio: 1025\n"])
def test_both_refuse(text: str) -> None:
    assert check_text(text.encode(), "t.yaml").spec is None
    assert not VALIDATOR.is_valid(yaml.safe_load(text))


def test_command_prints_it() -> None:
    done = run("schema")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == json_schema_text()
    assert json.loads(done.stdout) == SCHEMA


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda p: p.name)
def test_our_specs_name_their_schema(path: Path) -> None:
    first, _, text = path.read_text(encoding="utf-8").partition("\n")
    mark = "# yaml-language-server: $schema="
    assert first.startswith(mark)
    schema = path.parent / first.removeprefix(mark)
    assert json.loads(schema.read_text(encoding="utf-8")) == SCHEMA
    VALIDATOR.validate(yaml.safe_load(text))
    assert schema.is_relative_to(ROOT)
