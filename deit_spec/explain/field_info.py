"""What a field accepts, from the JSON Schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from deit_spec.recipe import recipe_schema
from deit_spec.spec import spec_json_schema
from deit_spec.spec.nearest import one_of
from deit_spec.yaml_source.scalars import scalar_text

_TYPES: Final = {
    "integer": "integer",
    "number": "number",
    "boolean": "true or false",
    "string": "string",
    "null": "null",
    "array": "list",
}
_BOUNDS: Final = {
    "exclusiveMinimum": "above {:g}",
    "minimum": "at least {:g}",
    "exclusiveMaximum": "below {:g}",
    "maximum": "at most {:,}",
    "maxLength": "at most {} characters",
}


@dataclass(frozen=True)
class FieldInfo:
    """A field of a spec or a recipe; `types` are the schemas of its types."""

    path: tuple[str, ...]
    description: str
    types: tuple[dict[str, Any], ...]
    fields: Mapping[str, "FieldInfo"]
    has_default: bool
    default: object
    examples: tuple[object, ...]

    @property
    def name(self) -> str:
        """The name in messages, such as `variant.drop_path`."""
        return ".".join(self.path)

    @property
    def type_text(self) -> str:
        """The accepted types: `integer or null`."""
        words: list[str] = []
        for each in self.types:
            words += [f"`{choice}`" for choice in each.get("enum", ())]
            if "enum" not in each:
                words.append(_TYPES.get(each["type"], "mapping"))
        return one_of(words)

    @property
    def range_text(self) -> str:
        """The range of the accepted numbers, or an empty text: `1 to 512`."""
        bounds = self.types[0]
        if bounds.get("type") == "integer":
            least = bounds.get("minimum", bounds.get("exclusiveMinimum", -1) + 1)
            most = bounds.get("maximum")
            return f"at least {least}" if most is None else f"{least} to {most:,}"
        texts = [t.format(bounds[key]) for key, t in _BOUNDS.items() if key in bounds]
        return ", ".join(texts)

    @property
    def default_text(self) -> str:
        """The default, as Markdown."""
        if self.path == ("name",):
            return "the name of the file"
        if not self.has_default:
            return "none, the field is required"
        if self.fields:
            return "the defaults of its fields"
        return f"`{scalar_text(self.default)}`"

    def values(self) -> list[object]:
        """Return values to choose from: choices, booleans, the default, examples."""
        found = [value for each in self.types for value in each.get("enum", ())]
        if any(each.get("type") == "boolean" for each in self.types):
            found += [True, False]
        if self.has_default:
            found.append(self.default)
        found += self.examples
        return [
            value
            for place, value in enumerate(found)
            if not isinstance(value, dict)
            and not any(value is other or value == other for other in found[:place])
        ]

    def alternatives(self, value: object) -> list[object]:
        """Return other values: those to choose from, and twice a number."""
        found = self.values()
        if isinstance(value, int | float) and not isinstance(value, bool):
            found.append(value * 2)
        return [other for other in found if other != value]


@cache
def spec_fields() -> Mapping[str, FieldInfo]:
    """Return the fields of a spec by name."""
    return _fields(spec_json_schema.json_schema(), (), {})


@cache
def recipe_fields() -> Mapping[str, FieldInfo]:
    """Return the sections of a recipe by name, which contain its fields."""
    schema = recipe_schema.json_schema()
    return _fields(schema, (), schema["$defs"])


def find_field(
    fields: Mapping[str, FieldInfo], path: tuple[str, ...]
) -> FieldInfo | None:
    """Return the field at a path; None if there is none."""
    found = None
    for key in path:
        found = fields.get(key)
        if found is None:
            return None
        fields = found.fields
    return found


def _fields(
    schema: Mapping[str, Any], outer: tuple[str, ...], shared: Mapping[str, Any]
) -> dict[str, FieldInfo]:
    return {
        name: _field((*outer, name), each, shared)
        for name, each in schema.get("properties", {}).items()
    }


def _field(
    path: tuple[str, ...], schema: dict[str, Any], shared: Mapping[str, Any]
) -> FieldInfo:
    forms = [
        shared[form["$ref"].rpartition("/")[2]] if "$ref" in form else form
        for form in schema.get("anyOf", [schema])
    ]
    types = [
        _with_type(form, kind)
        for form in forms
        for kind in (form["type"] if isinstance(form["type"], list) else [form["type"]])
    ]
    fields = {k: v for form in forms for k, v in _fields(form, path, shared).items()}
    description = schema.get("description", forms[0].get("description", ""))
    default = "default" in schema, schema.get("default")
    examples = tuple(schema.get("examples", ()))
    return FieldInfo(path, description, tuple(types), fields, *default, examples)


def _with_type(form: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the part of a schema that applies to one of its types."""
    if kind == "null":
        return {"type": "null"}
    choices = form.get("enum", [form["const"]] if "const" in form else [])
    own = {"enum": [each for each in choices if each is not None]} if choices else {}
    return {**form, "type": kind, **own}
