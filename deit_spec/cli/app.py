"""The commands, put together."""

from typing import Annotated

import typer

from deit_spec.cli import compile as compile_command
from deit_spec.cli import (
    cost,
    explain,
    lsp,
    messages,
    new,
    render,
    schema,
    validate,
    weights,
)
from deit_spec.cli import list as list_command
from deit_spec.cli.usage import Commands
from deit_spec.diagnostics.forms import Form
from deit_spec.version import __version__

app = typer.Typer(
    name="deit-spec",
    cls=Commands,
    help="A declarative model compiler for DeiT.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("validate")(validate.run)
app.command("render")(render.run)
app.command("compile")(compile_command.run)
app.command("cost")(cost.run)
app.command("explain")(explain.run)
app.command("list")(list_command.run)
app.command("lsp")(lsp.run)
app.command("new")(new.run)
app.command("schema")(schema.run)
app.add_typer(weights.app, name="weights")


def _version(wanted: bool) -> None:  # noqa: FBT001  -- typer calls it so
    if wanted:
        typer.echo(f"deit-spec {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[  # noqa: ARG001  -- answered by its callback
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version."
        ),
    ] = False,
    message_format: Annotated[
        Form,
        typer.Option(
            "--message-format",
            envvar="DEIT_SPEC_MESSAGE_FORMAT",
            help="The form of findings, which go to stderr.",
        ),
    ] = Form.TEXT,
) -> None:
    """Validate, draw and compile DeiT specs."""
    messages.choose(message_format)
