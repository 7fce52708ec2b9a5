"""`deit-spec schema` and `deit-spec lsp`: what editors need."""

from importlib.util import find_spec
from typing import Annotated

import typer

from deit_spec.cli.options import OutputOption, option
from deit_spec.cli.output import emit, fail


def schema(
    output: OutputOption = None,
    *,
    recipe: Annotated[
        bool, typer.Option("--recipe", help="Print the schema of recipes.")
    ] = False,
) -> None:
    """Print the JSON Schema of specs or recipes."""
    if recipe:
        from deit_spec.recipe.recipe_schema import json_schema_text
    else:
        from deit_spec.spec.spec_json_schema import json_schema_text
    emit(json_schema_text(), output)


def lsp(
    *,
    stdio: Annotated[  # noqa: ARG001  -- the only transport
        bool,
        option(
            "--stdio",
            "Use standard input and output, which is the default.",
            show_default=False,
        ),
    ] = True,
) -> None:
    """Run the language server for editors."""
    if find_spec("pygls") is None:
        fail("the language server needs pygls: pip install 'deit-spec[lsp]'")
    from deit_spec.lsp import serve

    raise typer.Exit(serve())
