"""A spec as an HTML table, which notebooks show."""

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from pydantic import BaseModel


def spec_table(spec: BaseModel) -> str:
    """Write the fields of a spec with their values; those with the default are grey."""
    rows = []
    for name, value, is_default in _fields(spec, ""):
        style = "text-align:left" + (";opacity:.6" if is_default else "")
        texts = (name, json.dumps(value, ensure_ascii=False))
        cells = (f'<td style="{style}">{escape(text)}</td>' for text in texts)
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><tbody>{''.join(rows)}</tbody></table>"


def _fields(model: BaseModel, above: str) -> Iterator[tuple[str, Any, bool]]:
    plain = model.model_dump(mode="json")
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _fields(value, f"{name}.")
        else:
            yield above + name, plain[name], value == field.default
