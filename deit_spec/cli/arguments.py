"""Arguments that several commands take."""

from pathlib import Path
from typing import Annotated

import typer


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
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        parser=path_of,
        help="Write to FILE, whole or not at all; - is standard output.",
    ),
]
