"""Arguments that several commands take."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from typer.models import OptionInfo


def path_of(name: str) -> Path:
    """The path of a name, which is none where it is empty.

    Raises:
        BadParameter: It is empty.
    """
    if not name:
        raise typer.BadParameter("the name is empty")
    return Path(name)


def named(given: str | list[str]) -> str | list[str]:
    """See that no name among those given is empty.

    Raises:
        BadParameter: One is.
    """
    if not all([given] if isinstance(given, str) else given):
        raise typer.BadParameter("the name is empty")
    return given


def output_option(metavar: str, what: str) -> OptionInfo:
    """The option `-o`, of a path that has a name."""
    found: OptionInfo = typer.Option(
        "-o", "--output", metavar=metavar, parser=path_of, help=what
    )
    return found


def set_option(what: str) -> OptionInfo:
    """The option `--set`, of a field of a recipe and its value."""
    found: OptionInfo = typer.Option("--set", metavar="FIELD=VALUE", help=what)
    return found


SpecArgument = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        callback=named,
        help="A YAML spec, a published name, or - for standard input.",
    ),
]
OutputOption = Annotated[
    Path | None,
    output_option("FILE", "Write to FILE, whole or not at all; - is standard output."),
]
AllowCodeOption = Annotated[
    bool,
    typer.Option("--allow-code", help="Run a teacher that is a Python function."),
]


class TextForm(Enum):
    """What a command prints: for a person, or for a program."""

    TEXT = "text"
    JSON = "json"


class TableForm(Enum):
    """What a command prints that has a row for each thing."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
