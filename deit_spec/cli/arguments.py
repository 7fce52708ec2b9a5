"""Arguments that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

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
        help="Write to FILE, whole or not at all; - is standard output.",
    ),
]
