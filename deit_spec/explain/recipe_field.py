"""What a field of a recipe takes, and which rules read it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from deit_spec.diagnostics import CATALOGUE
from deit_spec.explain.facts import range_in, type_in
from deit_spec.recipe.recipe_errors import as_yaml
from deit_spec.recipe.recipe_names import FIELDS, RECIPE
from deit_spec.recipe.rules import RULES
from deit_spec.spec.nearest import listed

RECIPE_FIELDS: Final = FIELDS
"""Every field of a recipe, with its section."""


@dataclass(frozen=True, slots=True)
class RecipeFieldAnswer:
    """A field of a recipe. `codes` are the rules that read it."""

    field: str
    description: str
    type: str
    range: str
    default: str
    synonyms: tuple[str, ...]
    codes: tuple[str, ...]


def explain_recipe_field(field: str) -> RecipeFieldAnswer:
    """Gather what is known of a field of a recipe, such as `optimizer.lr`."""
    path = tuple(field.split("."))
    model, name = RECIPE.model_of(path), path[-1]
    made: dict[str, Any] = model.model_json_schema()["properties"][name]
    forms = made.get("anyOf", [made])
    default = RECIPE.default_of(path)
    return RecipeFieldAnswer(
        field,
        made.get("description", ""),
        listed([type_in(form) for form in forms]),
        range_in(forms[0]),
        "none, it has to be written" if default is ... else f"`{as_yaml(default)}`",
        tuple(sorted(word for word, meant in RECIPE.synonyms.items() if meant == name)),
        tuple(dict.fromkeys(rule.code for rule in RULES if field in rule.reads)),
    )


def recipe_field_page(answer: RecipeFieldAnswer) -> Iterator[str]:
    """Explain a field of a recipe to a person."""
    yield f"# {answer.field}\n"
    yield f"{answer.description}\n"
    bounds = f", {answer.range}" if answer.range else ""
    lines = [
        "where: in a recipe",
        f"takes: {answer.type}{bounds}",
        f"default: {answer.default}",
    ]
    if answer.synonyms:
        lines.append(f"elsewhere: {', '.join(f'`{word}`' for word in answer.synonyms)}")
    yield "".join(f"- {line}\n" for line in lines)
    if answer.codes:
        rules = [
            f"- {code} {CATALOGUE[code].name}: {CATALOGUE[code].summary}\n"
            for code in answer.codes
        ]
        yield "".join(["## Rules that read it\n\n", *rules])


def recipe_field_json(answer: RecipeFieldAnswer) -> dict[str, Any]:
    """Explain a field of a recipe to a program."""
    return asdict(answer)
