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


SpecArgument = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
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
