"""What a field takes, read from the schema."""

from typing import Any

from deit_spec.spec import DeiTSpec, Variant
from deit_spec.spec.field_names import SPEC, SYNONYMS, TOP, VARIANT
from deit_spec.spec.model_limits import LARGEST
from deit_spec.spec.nearest import listed
from deit_spec.yaml_source.scalars import value_text

_TYPES = {
    "integer": "integer",
    "number": "number",
    "boolean": "true or false",
    "string": "string",
    "null": "null",
    "array": "list",
}
_AROUND = ("name", "extends", "variant")
"""The fields of a spec that are no entry of `build_opt`."""


def path_of(field: str) -> tuple[str, ...]:
    """The way to a field: `variant.drop_path` is under `variant`."""
    return tuple(field.split("."))


def description(field: str) -> str:
    """What the schema says of a field."""
    return str(_property(field).get("description", ""))


def type_of(field: str) -> str:
    """The values that a field takes, in words."""
    return listed([type_in(form) for form in _forms(field)])


def range_of(field: str) -> str:
    """The bounds of a field's numbers or the form of its text; empty without any."""
    return range_in(_forms(field)[0], LARGEST.get(field))


def range_in(form: dict[str, Any], largest: int | None = None) -> str:
    """The bounds that the schema of a type has, in words."""
    if form.get("type") == "integer":
        return _whole(form, largest)
    parts = [
        _bound(form, "exclusiveMinimum", "above {:g}"),
        _bound(form, "minimum", "from {:g}"),
        _bound(form, "exclusiveMaximum", "below {:g}"),
        _bound(form, "maximum", "to {:g}"),
        f"at most {largest:,}" if largest is not None else "",
        f"matches `{form['pattern']}`" if "pattern" in form else "",
        f"at most {form['maxLength']} characters" if "maxLength" in form else "",
    ]
    return ", ".join(filter(None, parts))


def default_text(field: str) -> str:
    """The default as YAML has it."""
    if field == "name":
        return "the file's stem"
    if field == "variant":
        return "the default of each of its fields"
    return f"`{value_text(SPEC.default_of(path_of(field)))}`"


def fields_of(field: str) -> tuple[str, ...]:
    """The fields of a field that is a mapping."""
    return tuple(f"variant.{name}" for name in VARIANT if field == "variant")


def in_build_opt(field: str) -> bool:
    """Whether a field is one of the ten of `build_opt`."""
    return field in TOP and field not in _AROUND


def synonyms_of(field: str) -> tuple[str, ...]:
    """What timm, transformers and papers call a field."""
    own = path_of(field)[-1]
    return tuple(sorted(word for word, meant in SYNONYMS.items() if meant == own))


def alternatives(field: str, value: object) -> list[object]:
    """Values that a field may take beside this one, from the form of its type.

    >>> alternatives("depth", 12)
    [24]
    >>> alternatives("variant.init", "deit")
    ['fan_in']
    """
    found: list[object] = []
    for form in _forms(field):
        if "enum" in form:
            found += form["enum"]
        elif form.get("type") == "boolean":
            found += [True, False]
        elif form.get("type") == "null":
            found.append(None)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.append(value * 2)
    return [other for other in found if other != value]


def _property(field: str) -> dict[str, Any]:
    *outer, name = path_of(field)
    model = Variant if outer else DeiTSpec
    found: dict[str, Any] = model.model_json_schema()["properties"][name]
    return found


def _forms(field: str) -> list[dict[str, Any]]:
    """The schema of each type that a field takes, null last."""
    found = _property(field)
    forms: list[dict[str, Any]] = found.get("anyOf", [found])
    return forms


def type_in(form: dict[str, Any]) -> str:
    """The values that the schema of a type has, in words."""
    if "const" in form:
        return f"`{form['const']}`"
    if "enum" in form:
        return listed([f"`{word}`" for word in form["enum"]])
    return _TYPES.get(form.get("type", ""), "mapping")


def _whole(form: dict[str, Any], largest: int | None) -> str:
    least = form.get("minimum", form.get("exclusiveMinimum", -1) + 1)
    return f"from {least}" if largest is None else f"{least} to {largest:,}"


def _bound(form: dict[str, Any], key: str, words: str) -> str:
    return words.format(form[key]) if key in form else ""
