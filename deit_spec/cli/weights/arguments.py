"""What the commands on weights share."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Annotated, NoReturn

import typer

from deit_spec.cli.arguments import TextForm
from deit_spec.cli.messages import report
from deit_spec.cli.output import STDIN, emit
from deit_spec.diagnostics import Diagnostic, json_form


class Allow(Enum):
    """What may be done beyond taking, renaming and fusing tensors."""

    RESAMPLE = "resample"
    HEADS = "heads"
    CHANNELS = "channels"
    DISTILLATION = "distillation"
    DROP = "drop"


def _no_stream(name: str) -> str:
    """Take the name of a checkpoint, which is mapped and so is no stream."""
    if name == STDIN:
        raise typer.BadParameter("a checkpoint cannot be standard input")
    return name


AllowOption = Annotated[
    list[Allow] | None,
    typer.Option(
        "--allow",
        case_sensitive=False,
        help="Besides taking, renaming and fusing tensors, just this; repeat it.",
    ),
]
CheckpointArgument = Annotated[
    str,
    typer.Argument(
        metavar="CHECKPOINT",
        callback=_no_stream,
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
    TextForm,
    typer.Option(
        "--output-format",
        case_sensitive=False,
        help="For a person, or for a program.",
    ),
]
AntialiasOption = Annotated[
    bool, typer.Option("--antialias", help="Smooth positions that are resampled.")
]


@contextmanager
def refusals(form: TextForm = TextForm.TEXT) -> Iterator[None]:
    """Print why weights cannot be used, and exit 1.

    Raises:
        typer.Exit: They cannot.
    """
    from deit_spec.weights import WeightsError

    try:
        yield
    except WeightsError as error:
        report(error.diagnostics)
        refuse(error.diagnostics, form)


def refuse(diagnostics: Iterable[Diagnostic], form: TextForm) -> NoReturn:
    """Exit 1, and give a program the findings that a person has been told.

    Raises:
        typer.Exit: Always.
    """
    if form is TextForm.JSON:
        emit(json_form.render(diagnostics), None)
    raise typer.Exit(1) from None


def words(allow: Iterable[Allow] | None) -> set[str] | None:
    """What `--allow` allows; None where it is not given."""
    return {each.value for each in allow} if allow else None
