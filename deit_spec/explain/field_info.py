"""What a field accepts, from the JSON Schema; and where its value comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from typing import Any, Final

from deit_spec.diagnostics import Span
from deit_spec.recipe import recipe_schema
from deit_spec.spec import Checked, spec_json_schema
from deit_spec.spec.nearest import listed
from deit_spec.yaml_source.scalars import scalar_text, value_text

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
    """A field of a spec or a recipe.

    `types` are the schemas of the types that it accepts, `fields` those that it
    contains, by name. A field without a default has to be written, except `name`.
    """

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
        return listed([_type_text(each) for each in self.types])

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


def _type_text(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return listed([f"`{word}`" for word in schema["enum"]])
    return _TYPES.get(schema.get("type", ""), "mapping")


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
        {**form, "type": kind, **({"enum": [form["const"]]} if "const" in form else {})}
        for form in forms
        for kind in (form["type"] if isinstance(form["type"], list) else [form["type"]])
    ]
    fields = {k: v for form in forms for k, v in _fields(form, path, shared).items()}
    return FieldInfo(
        path,
        schema.get("description", forms[0].get("description", "")),
        tuple({"type": "null"} if t["type"] == "null" else t for t in types),
        fields,
        "default" in schema,
        schema.get("default"),
        tuple(schema.get("examples", ())),
    )


@dataclass(frozen=True, slots=True)
class Provenance:
    """A value of a spec and where it is written.

    `span` is None for a default; `links` are the `extends` that lead to it.
    """

    value: object
    span: Span | None
    links: tuple[Span, ...] = ()


def trace(checked: Checked, path: tuple[str, ...]) -> Provenance | None:
    """Find where a value of a spec comes from; None if it is not known."""
    document, info = checked.document, find_field(spec_fields(), path)
    if document is None or info is None or not isinstance(document.value, Mapping):
        return None
    if path == ("extends",) and checked.links:
        # The key is gone, because the base spec has been merged.
        return Provenance(checked.links[0].text.strip("\"'"), checked.links[0])
    if path in document.spans:
        value: Any = document.value
        for key in path:
            value = value[key] if isinstance(value, Mapping) else None
        span = document.spans[path].value
        links = takewhile(lambda link: link.source is not span.source, checked.links)
        return Provenance(value, span, tuple(links))
    if document.recovered:
        return None  # it may be written in a line with a syntax error
    if path == ("name",) and checked.spec is not None:
        return Provenance(checked.spec.name, None)
    return Provenance(info.default, None)


def origin_text(found: Provenance, name: str) -> str:
    """Describe a value as Markdown: `` `depth: 4`, at wide.yaml:2:8 ``."""
    value = f"`{name}: {value_text(found.value)}`"
    if found.span is None:
        return f"{value}, by default"
    return ", by `extends` at ".join(
        [f"{value}, at {found.span}", *map(str, reversed(found.links))]
    )
