"""What the commands on weights share."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Annotated

import typer

from deit_spec.cli.messages import report


class Form(Enum):
    """How a result is printed."""

    TEXT = "text"
    JSON = "json"


CheckpointArgument = Annotated[
    str,
    typer.Argument(
        metavar="CHECKPOINT",
        help="A file of safetensors or torch, or a directory of Hugging Face.",
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="The model to take from a file of several, such as model_ema.",
    ),
]
FormOption = Annotated[
    Form, typer.Option("--output-format", help="For a person, or for a program.")
]
AntialiasOption = Annotated[
    bool, typer.Option("--antialias", help="Smooth positions that are resampled.")
]


@contextmanager
def refusals() -> Iterator[None]:
    """Print why weights cannot be used, and exit 1.

    Raises:
        typer.Exit: They cannot.
    """
    from deit_spec.weights import WeightsError

    try:
        yield
    except WeightsError as error:
        report(error.diagnostics)
        raise typer.Exit(1) from None
