"""`deit-spec render`: draw the architecture."""

import io
import json
import shutil
import sys
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from deit_spec.cli.arguments import OutputOption, SpecArgument
from deit_spec.cli.messages import make_console
from deit_spec.cli.output import STDIN, emit, read
from deit_spec.cli.target import TargetOption
from deit_spec.graph import LayerGraph, Target
from deit_spec.pipeline import finish

if TYPE_CHECKING:
    from rich.console import Console

NARROW, WIDE = 80, 120


class Format(Enum):
    """What the picture is."""

    FIGURE = "figure"
    TREE = "tree"
    JSON = "json"


def run(  # noqa: PLR0913  -- each is an option of the command
    spec: SpecArgument,
    output: OutputOption = None,
    *,
    form: Annotated[
        Format, typer.Option("--format", help="The picture.")
    ] = Format.FIGURE,
    target: TargetOption = Target.TRAIN,
    expand: Annotated[
        bool, typer.Option("--expand", help="Draw every block, equal or not.")
    ] = False,
    ascii_only: Annotated[
        bool, typer.Option("--ascii", help="Draw with ASCII characters alone.")
    ] = False,
    color: Annotated[
        bool, typer.Option("--color/--no-color", help="Colour, on a terminal.")
    ] = True,
    width: Annotated[
        int | None,
        typer.Option("--width", min=NARROW, help="Columns; the terminal's, up to 120."),
    ] = None,
) -> None:
    """Draw the architecture of a spec."""
    checked = read(spec)
    if checked.spec is None:
        raise typer.Exit(1)
    graph = finish(checked, target)
    if form is Format.JSON:
        from deit_spec.diagram import as_json

        emit(json.dumps(as_json(graph), indent=2, ensure_ascii=False) + "\n", output)
        return
    to_file = output is not None and str(output) != STDIN
    columns = max(NARROW, min(width or _columns(to_file=to_file), WIDE))
    plain = ascii_only or not (to_file or _unicode())
    console = _console(columns, color=color and not to_file, keep=to_file)
    _print(console, graph, form, columns, expand=expand, ascii_only=plain)
    if to_file:
        emit(console.export_text(), output)


def _print(  # noqa: PLR0913  -- the options, handed on
    console: "Console",
    graph: LayerGraph,
    form: Format,
    columns: int,
    *,
    expand: bool,
    ascii_only: bool,
) -> None:
    from deit_spec.diagram import draw, tree

    if form is Format.TREE:
        console.print(tree(graph, expand=expand, ascii_only=ascii_only))
    else:
        figure = draw(graph, width=columns, expand=expand, ascii_only=ascii_only)
        console.print(figure, soft_wrap=True)


def _console(columns: int, *, color: bool, keep: bool) -> "Console":
    if keep:
        return make_console(width=columns, record=True, file=io.StringIO())
    return make_console(color=color, width=columns)


def _columns(*, to_file: bool) -> int:
    """The terminal's width; 80 where there is none, so that output is stable."""
    if to_file or not sys.stdout.isatty():
        return NARROW
    return shutil.get_terminal_size((NARROW, 24)).columns


def _unicode() -> bool:
    """Whether stdout can write the characters of a box."""
    try:
        "╭→⊕ᵀ√".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
