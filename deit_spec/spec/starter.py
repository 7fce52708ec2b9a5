"""The text of a new spec: every field, with its description as a comment."""

from collections.abc import Iterator
from textwrap import wrap

from pydantic import BaseModel

from deit_spec.spec.schema import DeiTSpec, Variant
from deit_spec.yaml_source.scalars import scalar_text

_INDENT = "  "
_WIDTH = 80


def starter(
    name: str,
    source: str,
    spec: DeiTSpec,
    extends: str | None,
    *,
    schema: str | None = None,
) -> str:
    """Write the spec of a new model, with the values of another one.

    `extends` names that one, if the new one can refer to it; `schema` is the path of
    the JSON Schema for editors. Both are relative to the new spec.
    """
    head = [
        *([] if schema is None else [f"# yaml-language-server: $schema={schema}"]),
        f"# {name}, based on {source}.",
        "# Every field is listed; one that is left out has its default.",
        "",
    ]
    lines = [*head, *_fields(spec.model_copy(update={"name": name}), extends)]
    return "".join(f"{line}\n" for line in lines)


def _fields(spec: DeiTSpec, extends: str | None) -> Iterator[str]:
    first = ["name", "extends"]
    for field in [*first, *(f for f in DeiTSpec.model_fields if f not in first)]:
        if field == "extends" and extends is None:
            continue
        yield from _comment(DeiTSpec, field)
        if field == "extends":
            # A comment, as the values below override all that it names.
            yield f"# extends: {scalar_text(extends)}"
        elif field == "variant":
            yield "variant:"
            yield from _variant(spec)
        else:
            yield f"{field}: {scalar_text(getattr(spec, field))}"


def _variant(spec: DeiTSpec) -> Iterator[str]:
    for field in Variant.model_fields:
        yield from _comment(Variant, field, _INDENT)
        yield f"{_INDENT}{field}: {scalar_text(getattr(spec.variant, field))}"


def _comment(model: type[BaseModel], field: str, indent: str = "") -> list[str]:
    """The description of a field, and its default if it has one."""
    info = model.model_fields[field]
    text = info.description or ""
    if field not in {"name", "extends", "variant"}:
        text += f" Default: {scalar_text(info.default)}."
    return wrap(
        text, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
    )
