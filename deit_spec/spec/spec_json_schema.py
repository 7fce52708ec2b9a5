"""The JSON Schema of a spec, for editors, and the errors that it cannot express."""

import json
from collections.abc import Iterator
from typing import Any, Final

from deit_spec import published
from deit_spec.spec.model_limits import LARGEST
from deit_spec.spec.schema import DeiTSpec, Variant

FILE: Final = "deit-spec.schema.json"
"""The conventional file name of the schema."""

BEYOND: Final = {
    "DS001": "syntax errors, and invalid UTF-8 (DS002)",
    "DS003": "duplicate keys",
    "DS004": "a second document",
    "DS005": "keys that are not strings",
    "DS006": "tags, and merge keys (DS007)",
    "DS008": "limits on the file size, the nesting, aliases and the length of numbers",
    "DS009": "an `extends` that names no spec, or a circular or overlong chain (DS106)",
    "DS102": "12.0 where an integer is expected",
    "DS103": "infinity and NaN",
    "DS107": "a name with non-ASCII characters that are not letters, or a line break",
    "DS201": "an image_size that is not divisible by patch_size",
    "DS203": "an embed_dim that is not divisible by num_heads",
    "DS205": "a product of embed_dim and mlp_ratio below 1",
    "DS206": "a teacher without a distillation token, in a spec that extends another",
    "DS207": "the mean of two heads with unequal class counts",
    "DS210": "mean_tokens without a distillation token, in a spec that extends another",
    "DS212": "the total number of parameters",
    "DS214": "a merge_tokens that leaves no patches, or has another length than depth",
}
"""By code, the errors that a JSON Schema cannot express."""

# ASCII word characters and all non-ASCII characters: regular expression engines
# differ in which of the latter are letters.
_NAME: Final = (
    r"^[^\x00-/:-@\[-^`{-\x7f]"  # a word character
    r"[^\x00-*,/:-@\[-^`{-\x7f]*$"  # or one of `.+-`
)


def json_schema() -> dict[str, Any]:
    """Make the JSON Schema of a spec, draft 2020-12, from the pydantic models.

    It accepts every valid spec. `BEYOND` lists the invalid specs that it also accepts.
    """
    properties = _properties(DeiTSpec)
    properties["name"] |= {"pattern": _NAME}
    properties["name"].pop("default")  # it is the file's stem
    properties["extends"] |= {"minLength": 1, "examples": [*published.names()]}
    properties["variant"] = {
        "description": properties["variant"]["description"],
        "type": "object",
        "default": {},
        "properties": _properties(Variant),
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:deit-spec:spec",
        "$comment": f"Left to `deit-spec validate`: {'; '.join(BEYOND.values())}.",
        "title": "DeiT spec",
        "description": "A DeiT model: every field has a default.",
        "type": ["object", "null"],  # an empty file has every default
        "properties": properties,
        "additionalProperties": False,
        **_rules_without_token(),
    }


def json_schema_text() -> str:
    """Write the JSON Schema of a spec."""
    return json.dumps(json_schema(), indent=2) + "\n"


def _properties(model: type[DeiTSpec | Variant]) -> dict[str, Any]:
    made = model.model_json_schema()["properties"]
    return {name: dict(_property(name, value)) for name, value in made.items()}


def _property(name: str, made: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Reorder pydantic's schema of a field as editors show it best."""
    forms = made.get("anyOf", [made])
    types = [form["type"] for form in forms if "type" in form]
    yield "description", made["description"]
    yield "type", types if len(types) > 1 else (types or ["object"])[0]
    for key in ("enum", "exclusiveMinimum", "minimum", "exclusiveMaximum", "maxLength"):
        if key not in forms[0]:
            continue
        if key == "enum" and "null" in types:
            yield key, [*forms[0][key], None]
        elif key == "exclusiveMinimum" and types[0] == "integer":
            yield "minimum", forms[0][key] + 1
        else:
            yield key, forms[0][key]
    for key in ("items", "maxItems"):
        if key in forms[-1]:
            yield key, forms[-1][key]
    if name in LARGEST:
        yield "maximum", LARGEST[name]
    for key in ("default", "examples"):
        if key in made:
            yield key, made[key]


def _rules_without_token() -> dict[str, Any]:
    """The rules between fields that do not need arithmetic: DS206 and DS210.

    A spec that extends another is not checked, as its document lacks inherited values.
    """
    off = {
        "type": "object",
        "properties": {"distillation_token": {"const": False}},
        "required": ["distillation_token"],
    }
    own = {"extends": {"type": "null"}, "variant": off}
    readout = {"properties": {"readout": {"not": {"const": "mean_tokens"}}}}
    then = {"teacher_num_classes": {"type": "null"}, "variant": readout}
    return {
        "if": {"type": "object", "properties": own, "required": ["variant"]},
        "then": {"properties": then},
    }
