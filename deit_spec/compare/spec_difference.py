"""The fields whose values differ, with where each value is from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deit_spec.compare.compared_model import ComparedModel
from deit_spec.explain.field_info import find_field, spec_fields
from deit_spec.explain.field_page import provenance
from deit_spec.spec import DeiTSpec
from deit_spec.spec.schema import FIELDS

NOT_COMPARED = ("extends", "variant")
"""What a resolved spec does not have, and what is compared field by field."""
DEFAULT = ("default",)
"""The origin of a value that no file sets."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field with its two values, and the place in a file that each is from.

    An origin is a file with a line, followed by the lines of `extends` that lead to it;
    `default` if the field is not set.
    """

    field: str
    a: object
    b: object
    origin_a: tuple[str, ...]
    origin_b: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The change as plain data."""
        return {
            "field": self.field,
            "a": {"value": self.a, "origin": list(self.origin_a)},
            "b": {"value": self.b, "origin": list(self.origin_b)},
        }


def compare_specs(a: ComparedModel, b: ComparedModel) -> list[FieldChange]:
    """List the fields that differ, in the order of the schema."""
    return [
        FieldChange(field, value, other, _origin(a, field), _origin(b, field))
        for (field, value), (_, other) in zip(
            _values(a.spec), _values(b.spec), strict=True
        )
        if value != other
    ]


def _values(spec: DeiTSpec) -> Iterator[tuple[str, object]]:
    for field in FIELDS:
        if field not in NOT_COMPARED:
            *outer, name = field.split(".")
            yield field, getattr(spec.variant if outer else spec, name)


def _origin(model: ComparedModel, field: str) -> tuple[str, ...]:
    document = model.checked.document
    if document is None or document.source.name == "<mapping>":
        return (model.reference,)  # metadata, or the shapes of a checkpoint
    info = find_field(spec_fields(), tuple(field.split(".")))
    found = None if info is None else provenance(model.checked, info)
    if found is None or found["from"] == "default":
        return DEFAULT
    return tuple(map(_place, (found["from"], *reversed(found["extends"]))))


def _place(location: dict[str, Any]) -> str:
    return f"{location['file']}:{location['line']}"
