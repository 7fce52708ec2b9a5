"""`deit-spec lsp`: the language server, over standard input and output."""

from importlib.util import find_spec
from typing import Annotated

import typer

from deit_spec.cli.output import fail


def run(
    *,
    stdio: Annotated[  # noqa: ARG001  -- there is no other way
        bool, typer.Option("--stdio", help="Taken, as clients give it.")
    ] = True,
) -> None:
    """Serve an editor: findings, hover, completion and fixes."""
    if find_spec("pygls") is None:
        fail("the language server needs pygls: pip install 'deit-spec[lsp]'")
    from deit_spec.lsp import serve

    raise typer.Exit(serve())
