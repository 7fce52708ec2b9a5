"""Arguments and options that several commands share."""

from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.models import OptionInfo

from deit_spec.model.spec_or_model import is_model_path
from deit_spec.spec.origin import EXPORTED_SUFFIXES

if TYPE_CHECKING:
    from deit_spec.graph import Target
    from deit_spec.passes import PassOptions


class TextFormat(Enum):
    """Formats of a command that prints text."""

    TEXT = "text"
    JSON = "json"


class TableFormat(Enum):
    """Formats of a command that prints a table."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def option(name: str, what: str, **settings: Any) -> OptionInfo:
    """An option with a long name and a help text; choices ignore case."""
    found: OptionInfo = typer.Option(name, help=what, case_sensitive=False, **settings)
    return found


def output_option(metavar: str, what: str) -> OptionInfo:
    """The option `-o` of a command."""
    found: OptionInfo = typer.Option("-o", "--output", metavar=metavar, help=what)
    return found


def set_option(what: str) -> OptionInfo:
    """The option `--set`, a field of a recipe and its value."""
    return option("--set", what, metavar="FIELD=VALUE")


def format_option(what: str, default: str | bool = True) -> OptionInfo:  # noqa: FBT001, FBT002  -- as typer has it
    """The option `--output-format` of a command."""
    return option("--output-format", what, show_default=default)


SpecArgument = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        help="A YAML spec, a model folder, the name of a published model, "
        "git:REV:PATH, or - for standard input.",
    ),
]
OutputOption = Annotated[
    Path | None, output_option("FILE", "Write to FILE instead of standard output.")
]
DropUnreadOption = Annotated[
    bool | None,
    option(
        "--drop-unread/--no-drop-unread",
        "Compute only the tokens that the outputs depend on; the default for "
        "inference.",
        show_default=False,
    ),
]
TapOption = Annotated[
    list[str] | None,
    option(
        "--tap",
        "Also return the value of a layer or group of layers, such as blocks.11 or "
        "blocks.*.attn.weights.cls; can be repeated. The default is the spec's taps.",
        metavar="PATTERN",
    ),
]
UntilOption = Annotated[
    str | None,
    option(
        "--until",
        "End the model at a value, such as blocks.8, and leave out later layers.",
        metavar="VALUE",
    ),
]


def merge_numbers(text: str) -> int | tuple[int, ...]:
    """Read a number, or a number for each block: `13`, or `16,16,8`."""
    try:
        numbers = tuple(map(int, text.split(",")))
    except ValueError:
        message = f"{text!r} is not a number or a list of numbers"
        raise typer.BadParameter(message) from None
    return numbers if "," in text else numbers[0]


MergeTokensOption = Annotated[
    Any,
    option(
        "--merge-tokens",
        "Merge R patch tokens with similar ones in every block, or a number for each "
        "block, such as 16,16,8; the outputs are approximate. The default is the "
        "spec's merge_tokens.",
        metavar="R",
        parser=merge_numbers,
        show_default=False,
    ),
]
AllowCodeOption = Annotated[
    bool, typer.Option("--allow-code", help="Allow teachers that are Python functions.")
]


def pass_options(
    spec: str,
    target: "Target",
    *,
    drop_unread: bool | None,
    tap: list[str] | None,
    until: str | None,
) -> "tuple[Target, PassOptions]":
    """The target and the options of passes, from the options of a command.

    For an exported file, the defaults are the options that it was exported with.
    """
    from deit_spec.graph import Target
    from deit_spec.passes import PassOptions  # imports networkx

    given = PassOptions(drop_unread, tuple(tap) if tap else None, until)
    if not (is_model_path(spec) and Path(spec).suffix.lower() in EXPORTED_SUFFIXES):
        return target, given
    from deit_spec.model.exported_file import read_exported

    own = read_exported(Path(spec)).interface.pass_options()
    if until is not None:
        own = replace(own, until=until, prediction=None)
    return Target.INFERENCE, replace(
        own, drop_unread=drop_unread, taps=given.taps or own.taps
    )
