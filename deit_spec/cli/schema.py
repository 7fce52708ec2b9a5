"""`deit-spec schema`: the JSON Schema of a spec or a recipe, for editors."""

from typing import Annotated

import typer

from deit_spec.cli.arguments import OutputOption
from deit_spec.cli.output import emit


def run(
    output: OutputOption = None,
    *,
    recipe: Annotated[
        bool, typer.Option("--recipe", help="That of a recipe, not of a spec.")
    ] = False,
) -> None:
    """Print the JSON Schema of a spec, which editors complete and check by."""
    if recipe:
        from deit_spec.recipe.recipe_schema import json_schema_text
    else:
        from deit_spec.spec.spec_json_schema import json_schema_text

    emit(json_schema_text(), output)
