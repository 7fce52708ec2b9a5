"""The commands, put together. Each is imported when it is asked for."""

from importlib import import_module
from typing import Annotated, Any

import typer

from deit_spec.cli import messages
from deit_spec.cli.usage import Commands
from deit_spec.diagnostics.formats import Format
from deit_spec.version import __version__

NAMES = (
    "validate",
    "render",
    "compile",
    "cost",
    "evaluate",
    "explain",
    "list",
    "lsp",
    "new",
    "predict",
    "schema",
    "study",
    "train",
    "weights",
)
"""The commands in the order of the help; each is the module of its name."""


class _Lazy(Commands):
    """A group whose commands are loaded one at a time: one start pays for one."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(NAMES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in NAMES:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _load(cmd_name)
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in NAMES:  # what was meant is looked for among all
            for name in NAMES:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


def _load(name: str) -> Any:
    module = import_module(f"deit_spec.cli.{name}")
    if hasattr(module, "app"):
        command: Any = typer.main.get_group(module.app)
        command.name = name
        return command
    single = typer.Typer(add_completion=False)
    single.command(name)(module.run)
    return typer.main.get_command(single)


app = typer.Typer(
    name="deit-spec",
    cls=_Lazy,
    help="A declarative model compiler for DeiT.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def command() -> Any:
    """The whole command line, as an object to call with arguments."""
    return typer.main.get_command(app)


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
        Format,
        typer.Option(
            "--message-format",
            envvar="DEIT_SPEC_MESSAGE_FORMAT",
            help="The form of findings, which go to stderr.",
        ),
    ] = Format.TEXT,
) -> None:
    """Validate, draw and compile DeiT specs."""
    messages.choose(message_format)
