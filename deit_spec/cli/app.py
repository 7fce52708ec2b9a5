"""The commands and global options; a command is imported when it is used."""

import gc
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from deit_spec.cli import output
from deit_spec.diagnostics.formats import Format
from deit_spec.version import __version__

COMMANDS = {
    "validate": ("validate", "run"),
    "render": ("render", "run"),
    "compile": ("compile", "run"),
    "cost": ("cost", "run"),
    "diff": ("diff", "run"),
    "attribute": ("attribute", "run"),
    "bench": ("bench", "run"),
    "evaluate": ("evaluate", "run"),
    "export": ("export", "run"),
    "explain": ("explain", "run"),
    "list": ("published_models", "list_models"),
    "lsp": ("editors", "lsp"),
    "new": ("published_models", "new"),
    "predict": ("predict", "run"),
    "schema": ("editors", "schema"),
    "study": ("study", "run"),
    "train": ("train", "run"),
    "weights": ("weights", "app"),
}
"""Module and function of each command, in the order of the help."""

_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
}


class Command(TyperCommand):
    """A command whose help names arguments without their Python types."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The arguments as `SPEC...`, where typer has `{SPEC...}...`."""
        pieces = super().collect_usage_pieces(ctx)
        plain = (piece.replace("{", "").replace("}", "") for piece in pieces)
        return [piece.replace("......", "...") for piece in plain]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options."""
        records: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
        for parameter in self.get_params(ctx):
            if record := parameter.get_help_record(ctx):
                records[parameter.param_type_name].append(record)
        arguments = [
            (name.partition(" <")[0], text) for name, text in records["argument"]
        ]
        for title, rows in (("Arguments", arguments), ("Options", records["option"])):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class Commands(TyperGroup):
    """A group of commands that are imported when they are used."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """The names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Import a command."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.commands[cmd_name] = _load(cmd_name)
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command of the arguments, or suggest one of a similar name."""
        if args and args[0] not in COMMANDS:
            for name in COMMANDS:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the global options."""
        return _call(super().parse_args, ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a command, which reads its own arguments here."""
        return _call(super().invoke, ctx)


def _load(name: str) -> Any:
    module, attribute = COMMANDS[name]
    found = getattr(import_module(f"deit_spec.cli.{module}"), attribute)
    if not gc.isenabled():  # `main` disables it for the imports
        gc.freeze()
        gc.enable()
    if isinstance(found, typer.Typer):
        group: Any = typer.main.get_group(found)
        group.name = name
        return group
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name, cls=Command)(found)
    return typer.main.get_command(single)


def _call(method: Callable[..., Any], *arguments: Any) -> Any:
    """Call a method that reads arguments, and write its errors plainly."""
    try:
        return method(*arguments)
    except typer.BadParameter as error:
        error.message = _plain_message(error)
        raise


def _plain_message(error: typer.BadParameter) -> str:
    """The message for a value that pydantic, which typer uses, has rejected."""
    errors = getattr(error.__cause__, "errors", None)
    if errors is None:
        return error.message
    first = errors()[0]
    kind, value, context = first["type"], first["input"], first.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind.startswith("int_"):
        return f"{value!r} is not an integer."
    if kind.startswith("float_"):
        return f"{value!r} is not a number."
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"{value} is not {words} {context[key]:,}."
    return error.message


app = typer.Typer(
    name="deit-spec",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: it wraps between words at any width
)


def command() -> Any:
    """The command line as an object that takes arguments."""
    return typer.main.get_command(app)


def _version(wanted: bool) -> None:  # noqa: FBT001  -- typer calls it so
    if wanted:
        typer.echo(f"deit-spec {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[  # noqa: ARG001  -- its callback handles it
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
            help="The format of diagnostics on standard error.",
        ),
    ] = Format.TEXT,
) -> None:
    """Compile YAML specs of DeiT models to PyTorch, and train and inspect them."""
    output.choose_format(message_format)
