"""The explanation of a field of a spec or a recipe, as JSON and as Markdown."""

import re
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any, Final

from deit_spec.diagnostics import CATALOGUE, Span
from deit_spec.explain.field_info import (
    FieldInfo,
    find_field,
    recipe_fields,
    spec_fields,
)
from deit_spec.ops import Op, letters
from deit_spec.pipeline import load_spec, lower
from deit_spec.recipe.recipe_names import RECIPE
from deit_spec.recipe.rules import RULES as RECIPE_RULES
from deit_spec.spec import Checked, DeiTSpec, check_spec
from deit_spec.spec.field_names import SYNONYMS
from deit_spec.spec.rules import RULES
from deit_spec.yaml_source.scalars import value_text

SYMBOLS: Final = {
    "embed_dim": "C",
    "num_heads": "H",
    "num_classes": "K",
    "teacher_num_classes": "T",
}
"""The fields that are the size of a dimension, with its symbol in shapes."""

_VARIANT: Final = {"layer_scale": 0.5, "drop_path": 0.1}
_SMALL: Final = {"image_size": 64, "embed_dim": 48, "depth": 2, "dropout": 0.1}
_PLAIN: Final[dict[str, Any]] = {**_SMALL, "variant": _VARIANT}
_HEAD: Final[dict[str, Any]] = {**_PLAIN, "num_classes": 10}
_FUSION: Final = {"variant": {**_VARIANT, "fusion": "cls"}}
_MODELS: Final[tuple[dict[str, Any], ...]] = (
    {**_HEAD, "teacher_num_classes": 20, **_FUSION},
    {**_HEAD, "teacher_num_classes": 10},
    _HEAD,
    _PLAIN,
)
"""Small models with two heads, with one and with none."""


def explain_field(field: str, checked: Checked | None = None) -> dict[str, Any]:
    """Explain a field as JSON; with a spec, also where its value comes from.

    Raises:
        KeyError: The field does not exist.
    """
    path = tuple(field.split("."))
    if info := find_field(spec_fields(), path):
        return _spec_field(info, checked)
    if info := find_field(recipe_fields(), path):
        codes = [rule.code for rule in RECIPE_RULES if field in rule.reads]
        return _common(info, codes, RECIPE.synonyms)
    raise KeyError(field)


def _common(
    info: FieldInfo, codes: list[str], synonyms: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "field": info.name,
        "description": info.description,
        "type": info.type_text,
        "range": info.range_text,
        "default": info.default_text,
        "synonyms": sorted(w for w, name in synonyms.items() if name == info.path[-1]),
        "codes": [*dict.fromkeys(codes)],
    }


def _spec_field(info: FieldInfo, checked: Checked | None) -> dict[str, Any]:
    codes = [rule.code for rule in RULES if info.name in rule.reads]
    if "maximum" in info.types[0]:
        codes.append("DS212")
    acts = info.path not in {("name",), ("extends",), ("taps",), ("variant",)}
    return {
        **_common(info, codes, SYNONYMS),
        "symbol": SYMBOLS.get(info.name),
        "fields": [field.name for field in info.fields.values()],
        "layers": affected_layers(info) if acts else [],
        "provenance": provenance(checked, info) if checked else None,
    }


def affected_layers(info: FieldInfo) -> list[dict[str, str]]:
    """List the layers of small models that change with the value of a field."""
    found: dict[str, dict[str, str]] = {}
    for model in _MODELS:
        spec = load_spec(model)
        *outer, name = info.path
        value = getattr(spec.variant if outer else spec, name)
        for other in info.alternatives(value):
            fields = {"variant": {**model["variant"], name: other}}
            changed = check_spec({**model, **(fields if outer else {name: other})}).spec
            if changed is None:
                continue
            before, after = _layers(spec), _layers(changed)
            for layer in (*after, *before):
                if (layer in after) != (layer in before):
                    described = _describe(*layer[:2])
                    found.setdefault(described["path"], described)
    return [*found.values()]


def _layers(spec: DeiTSpec) -> list[tuple[str, Op, tuple[str, ...]]]:
    """List the layers of a model with their inputs."""
    graph = lower(spec)
    return [(path, op, graph.inputs(path)) for path, op in graph.ops()]


def _describe(path: str, op: Op) -> dict[str, str]:
    tensors = (f"{each.name} {letters(each.shape)}" for each in op.parameters)
    return {
        "path": re.sub(r"\.\d+\.", ".*.", path),
        "op": type(op).__name__,
        "parameters": ", ".join(tensors).strip(),
    }


def provenance(checked: Checked, info: FieldInfo) -> dict[str, Any] | None:
    """Find where the value of a field in a spec comes from; None if it is not known."""
    document, path = checked.document, info.path
    if document is None or not isinstance(document.value, Mapping):
        return None
    value, span, links = info.default, None, list[Span]()
    if path == ("extends",) and checked.links:
        # The key is gone, because the base spec has been merged.
        span = checked.links[0]
        value = span.text.strip("\"'")
    elif path in document.spans:
        span, value = document.spans[path].value, document.value
        for key in path:
            value = value[key] if isinstance(value, Mapping) else None
        links += takewhile(lambda link: link.source is not span.source, checked.links)
    elif document.recovered:
        return None  # it may be written in a line with a syntax error
    elif path == ("name",) and checked.spec is not None:
        value = checked.spec.name
    places = [f"from {span}" if span else "by default"]
    places += [f"through `extends` at {link}" for link in reversed(links)]
    return {
        "value": value,
        "from": _location(span) if span else "default",
        "extends": [_location(link) for link in links],
        "text": f"`{info.name}: {value_text(value)}`, {' '.join(places)}",
    }


def _location(span: Span) -> dict[str, Any]:
    return {"file": span.source.name, "line": span.line, "column": span.column}


def field_page(answer: Mapping[str, Any]) -> str:
    """Write the explanation of a field as Markdown."""
    return "\n".join(_sections(answer))


def _sections(answer: Mapping[str, Any]) -> Iterator[str]:
    yield f"# {answer['field']}\n"
    yield f"{answer['description']}\n"
    yield "".join(f"- {line}\n" for line in _properties(answer))
    if answer.get("provenance"):
        yield f"## Its value here\n\n{answer['provenance']['text']}\n"
    if answer["codes"]:
        entries = [CATALOGUE[code] for code in answer["codes"]]
        lines = [f"- {each.code} {each.name}: {each.summary}\n" for each in entries]
        yield "".join(["## Diagnostics\n\n", *lines])
    if "layers" not in answer:
        return
    yield "## Layers that depend on it\n"
    if answer["fields"]:
        fields = ", ".join(f"`{field}`" for field in answer["fields"])
        yield f"Those of its fields: {fields}.\n"
    elif not answer["layers"]:
        yield "It does not affect the architecture.\n"
    else:
        rows = [
            f"| `{each['path']}` | {each['op']} | {each['parameters']} |\n"
            for each in answer["layers"]
        ]
        yield "".join(["| layer | op | parameters |\n|---|---|---|\n", *rows])


def _properties(answer: Mapping[str, Any]) -> Iterator[str]:
    yield f"type: {', '.join(filter(None, [answer['type'], answer['range']]))}"
    yield f"default: {answer['default']}"
    if answer.get("symbol"):
        yield f"symbol: {answer['symbol']}"
    if answer["synonyms"]:
        yield f"other names: {', '.join(f'`{word}`' for word in answer['synonyms'])}"
