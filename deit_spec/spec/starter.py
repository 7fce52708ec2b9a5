"""A spec to begin with: every field, each under a comment that says what it is."""

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from pydantic import BaseModel

from deit_spec.source.plain import scalar_text
from deit_spec.spec.schema import DeiTSpec, Variant

_INDENT = "  "


def starter(name: str, published: str, spec: DeiTSpec) -> str:
    """Write the spec of a new model, with the values of a published one."""
    head = [
        f"# {name}, begun from {scalar_text(published)}.",
        "# A field that is left out has its default, which docs/spec.md tells.",
        "",
    ]
    lines = [*head, *_fields(spec.model_copy(update={"name": name}), published)]
    return "".join(f"{line}\n" for line in lines)


def _fields(spec: DeiTSpec, published: str) -> Iterator[str]:
    first = ["name", "extends"]
    for field in [*first, *(f for f in DeiTSpec.model_fields if f not in first)]:
        yield f"# {_comments(DeiTSpec)[field]}"
        if field == "extends":
            # A comment: whatever it named, the values below would hold.
            yield f"# extends: {scalar_text(published)}"
        elif field == "variant":
            yield "variant:"
            yield from _variant(spec)
        else:
            yield f"{field}: {scalar_text(getattr(spec, field))}"


def _variant(spec: DeiTSpec) -> Iterator[str]:
    for field in Variant.model_fields:
        value = scalar_text(getattr(spec.variant, field))
        # Without two heads, saying how they are joined would be a mistake.
        idle = field == "fusion" and not spec.has_two_heads
        yield f"{_INDENT}# {_comments(Variant)[field]}"
        yield f"{_INDENT}{'# ' if idle else ''}{field}: {value}"


@cache
def _comments(model: type[BaseModel]) -> dict[str, str]:
    """What the schema says of each of its fields, in the docstring below it."""
    (definition,) = ast.parse(inspect.getsource(model)).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    found = {}
    for field, text in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            found[field.target.id] = _string(text)
    return found


def _string(statement: ast.stmt) -> str:
    match statement:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return text
        case _:
            return ""
