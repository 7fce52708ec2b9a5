"""Arguments and options that several commands share."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from typer.models import OptionInfo


class TextFormat(Enum):
    """Formats of a command that prints text."""

    TEXT = "text"
    JSON = "json"


class TableFormat(Enum):
    """Formats of a command that prints a table."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def output_option(metavar: str, what: str) -> OptionInfo:
    """The option `-o` of a command."""
    found: OptionInfo = typer.Option("-o", "--output", metavar=metavar, help=what)
    return found


def set_option(what: str) -> OptionInfo:
    """The option `--set`, a field of a recipe and its value."""
    found: OptionInfo = typer.Option("--set", metavar="FIELD=VALUE", help=what)
    return found


def format_option(what: str, default: str | bool = True) -> OptionInfo:  # noqa: FBT001, FBT002  -- as typer has it
    """The option `--output-format` of a command."""
    found: OptionInfo = typer.Option(
        "--output-format", case_sensitive=False, show_default=default, help=what
    )
    return found


SpecArgument = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        help="A YAML spec, the name of a published model, or - for standard input.",
    ),
]
OutputOption = Annotated[
    Path | None, output_option("FILE", "Write to FILE instead of standard output.")
]
AllowCodeOption = Annotated[
    bool, typer.Option("--allow-code", help="Allow teachers that are Python functions.")
]
