"""The explanation of a field of a spec or a recipe, as JSON and as Markdown."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from deit_spec.diagnostics import CATALOGUE, Span
from deit_spec.explain.field_effects import Effect, find_effects
from deit_spec.explain.field_info import (
    FieldInfo,
    find_field,
    origin_text,
    recipe_fields,
    spec_fields,
    trace,
)
from deit_spec.recipe.recipe_names import RECIPE
from deit_spec.recipe.rules import RULES as RECIPE_RULES
from deit_spec.spec import Checked
from deit_spec.spec.field_names import SYNONYMS
from deit_spec.spec.rules import RULES


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
    acts = info.path not in {("name",), ("extends",), ("variant",)}
    effects = find_effects(info) if acts else []
    origin = trace(checked, info.path) if checked else None
    return {
        **_common(info, codes, SYNONYMS),
        "in_build_opt": acts and len(info.path) == 1,
        "symbols": _symbols(effects),
        "fields": [field.name for field in info.fields.values()],
        "effects": [asdict(each) for each in effects],
        "provenance": origin
        and {
            "value": origin.value,
            "from": _location(origin.span) if origin.span else "default",
            "extends": [_location(link) for link in origin.links],
            "text": origin_text(origin, info.name),
        },
    }


def _symbols(effects: Iterable[Effect]) -> list[str]:
    """Return the symbols of the dimensions whose size is the value of the field."""
    found = {
        symbol: None
        for each in effects
        for symbol, sizes in each.sizes.items()
        if [*map(str, sizes)] == [each.before, each.after]
    }
    return [*found]


def _location(span: Span) -> dict[str, Any]:
    return {"file": span.source.name, "line": span.line, "column": span.column}


def field_page(answer: Mapping[str, Any]) -> Iterator[str]:
    """Write the explanation of a field as the sections of a page."""
    yield f"# {answer['field']}\n"
    yield f"{answer['description']}\n"
    yield "".join(f"- {line}\n" for line in _properties(answer))
    if answer.get("provenance"):
        yield f"## Its value here\n\n{answer['provenance']['text']}\n"
    if answer["codes"]:
        entries = [CATALOGUE[code] for code in answer["codes"]]
        lines = [f"- {each.code} {each.name}: {each.summary}\n" for each in entries]
        yield "".join(["## Diagnostics\n\n", *lines])
    if "effects" in answer:
        yield "## Where it acts\n"
        if answer["fields"]:
            fields = ", ".join(f"`{field}`" for field in answer["fields"])
            yield f"Through its fields: {fields}.\n"
        elif not answer["effects"]:
            yield "It does not affect the architecture.\n"
    for effect in answer.get("effects", ()):
        yield from _effect(answer["field"], effect)


def _properties(answer: Mapping[str, Any]) -> Iterator[str]:
    yield f"type: {', '.join(filter(None, [answer['type'], answer['range']]))}"
    yield f"default: {answer['default']}"
    if "in_build_opt" not in answer:
        yield "in recipes"
    elif answer["in_build_opt"]:
        yield "`build_opt`: the entry of the same name"
    if answer.get("symbols"):
        yield f"symbol: {', '.join(answer['symbols'])}"
    if answer["synonyms"]:
        yield f"other names: {', '.join(f'`{word}`' for word in answer['synonyms'])}"


def _effect(field: str, effect: Mapping[str, Any]) -> Iterator[str]:
    sizes = [f", {s} {old} → {new}" for s, (old, new) in effect["sizes"].items()]
    before, after = effect["before"], effect["after"]
    yield f"`{field}` from `{before}` to `{after}` in a small model{''.join(sizes)}:\n"
    if effect["results"]:
        yield "".join(f"- {line}\n" for line in effect["results"])
    rows = [
        f"| {each['kind']} | `{each['path']}` | {each['op']} | {each['parameters']} |\n"
        for each in effect["changes"]
    ]
    if rows:
        yield "".join(["| | layer | op | parameters |\n|---|---|---|---|\n", *rows])
