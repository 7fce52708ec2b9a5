"""What a field does, as data and as a page of Markdown."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from deit_spec.diagnostics import CATALOGUE, Span
from deit_spec.explain import facts
from deit_spec.explain.effects import Effect, effects
from deit_spec.explain.layers import Layers
from deit_spec.explain.provenance import Provenance, trace
from deit_spec.spec import Checked
from deit_spec.spec.model_limits import LARGEST
from deit_spec.spec.rules import RULES
from deit_spec.yaml_source.scalars import value_text


@dataclass(frozen=True, slots=True)
class FieldAnswer:
    """A field: what it takes, what reads it, where it acts, and its value in a spec.

    `codes` are the rules between fields that read it, `fields` those that a mapping
    holds. `provenance` is None where no spec was given.
    """

    field: str
    description: str
    type: str
    range: str
    default: str
    symbols: tuple[str, ...]
    in_build_opt: bool
    synonyms: tuple[str, ...]
    codes: tuple[str, ...]
    fields: tuple[str, ...]
    effects: tuple[Effect, ...]
    provenance: Provenance | None = None


def explain_field(field: str, checked: Checked | None = None) -> FieldAnswer:
    """Gather what is known of a field, and where its value in a spec is from."""
    found = tuple(effects(field))
    symbols = dict.fromkeys(symbol for each in found for symbol in each.symbols)
    return FieldAnswer(
        field,
        facts.description(field),
        facts.type_of(field),
        facts.range_of(field),
        facts.default_text(field),
        tuple(symbols),
        facts.in_build_opt(field),
        facts.synonyms_of(field),
        tuple(_codes(field)),
        facts.fields_of(field),
        found,
        None if checked is None else trace(checked, facts.path_of(field)),
    )


def _codes(field: str) -> Iterator[str]:
    for rule in RULES:
        if field in rule.reads:
            yield rule.code
    if field in LARGEST:
        yield "DS212"


def field_page(answer: FieldAnswer) -> Iterator[str]:
    """Explain a field to a person."""
    yield f"# {answer.field}\n"
    if answer.description:
        yield f"{answer.description}\n"
    yield "".join(f"- {line}\n" for line in _facts(answer))
    if answer.provenance:
        yield f"## Its value here\n\n{_origin(answer.field, answer.provenance)}\n"
    if answer.codes:
        listed = [
            f"- {code} {CATALOGUE[code].name}: {CATALOGUE[code].summary}\n"
            for code in answer.codes
        ]
        yield "".join(["## Rules that read it\n\n", *listed])
    yield "## Where it acts\n"
    if answer.fields:
        yield f"Through its fields: {', '.join(f'`{f}`' for f in answer.fields)}.\n"
    elif not answer.effects:
        yield "Nowhere in the architecture.\n"
    for effect in answer.effects:
        yield from _effect(answer.field, effect)


def field_json(answer: FieldAnswer) -> dict[str, Any]:
    """Explain a field to a program."""
    value = asdict(answer) | {"provenance": None}
    if answer.provenance is not None:
        place = answer.provenance.place
        value["provenance"] = {
            "value": answer.provenance.value,
            "from": "default" if place is None else _place(place),
            "extends": [_place(link) for link in answer.provenance.links],
        }
    return value


def _facts(answer: FieldAnswer) -> Iterator[str]:
    bounds = f", {answer.range}" if answer.range else ""
    yield f"takes: {answer.type}{bounds}"
    yield f"default: {answer.default}"
    if answer.symbols:
        yield f"symbol: {', '.join(answer.symbols)}"
    if answer.in_build_opt:
        yield "`build_opt`: the entry of the same name"
    elif answer.field.startswith("variant"):
        yield "`build_opt`: not in it; for the published models"
    else:
        yield "`build_opt`: not in it"
    if answer.synonyms:
        yield f"elsewhere: {', '.join(f'`{word}`' for word in answer.synonyms)}"


def _origin(field: str, found: Provenance) -> str:
    value = f"`{field}: {value_text(found.value)}`"
    if found.place is None:
        return f"{value}, by default"
    way = [f", by `extends` at {link}" for link in reversed(found.links)]
    return "".join([f"{value}, at {found.place}", *way])


def _place(span: Span) -> dict[str, Any]:
    return {"file": span.source.name, "line": span.line, "column": span.column}


def _effect(field: str, effect: Effect) -> Iterator[str]:
    sizes = [f"{symbol} {old} → {new}" for symbol, (old, new) in effect.sizes.items()]
    lines = [f"From `{field}: {effect.before}` to `{effect.after}` in a small model"]
    lines += [f", {', '.join(sizes)}"] if sizes else []
    yield "".join([*lines, ":\n"])
    if effect.results:
        yield "".join(f"- {line}\n" for line in effect.results)
    groups = {
        "changes": effect.changed,
        "adds": effect.added,
        "removes": effect.removed,
        "rewires": effect.rewired,
    }
    rows = [_row(kind, each) for kind, group in groups.items() for each in group]
    if rows:
        head = "| | layer | op | parameters |\n|---|---|---|---|\n"
        yield "".join([head, *rows])


def _row(kind: str, layers: Layers) -> str:
    details = ", ".join(layers.parameters)
    if layers.reads:
        details = f"reads {', '.join(f'`{path}`' for path in layers.reads)}"
    return f"| {kind} | `{layers.path}` | {layers.op} | {details} |\n"
