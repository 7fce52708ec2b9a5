"""The schema of a recipe for editors: each field; rules are left to the validator."""

import json
from typing import Any

from deit_spec.recipe.schema import Recipe


def json_schema() -> dict[str, Any]:
    """Make the JSON Schema of a recipe, draft 2020-12, from the pydantic models."""
    made = _untitled(Recipe.model_json_schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:deit-spec:recipe",
        "$comment": "Left to `deit-spec validate`: the rules between fields, the specs "
        "that are named, and that 12.0 is no integer.",
        "title": "deit-spec recipe",
        **made,
    }


def json_schema_text() -> str:
    """Write the JSON Schema of a recipe."""
    return json.dumps(json_schema(), indent=2) + "\n"


def _untitled(value: Any) -> Any:
    """Leave out the titles, which say the names again."""
    if isinstance(value, dict):
        return {
            key: _untitled(item)
            for key, item in value.items()
            if key != "title" or isinstance(item, dict)
        }
    return [_untitled(item) for item in value] if isinstance(value, list) else value
