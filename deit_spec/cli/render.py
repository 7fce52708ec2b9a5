"""`deit-spec render`: draw the architecture."""

import io
import shutil
import sys
from typing import Annotated, Literal, TypeAlias

import typer

from deit_spec.cli.compile import TargetOption
from deit_spec.cli.inputs import read
from deit_spec.cli.options import (
    DropUnreadOption,
    MergeTokensOption,
    OutputOption,
    SpecArgument,
    TapOption,
    UntilOption,
    format_option,
    option,
    pass_options,
)
from deit_spec.cli.output import can_encode, emit, emit_json, is_file, make_console
from deit_spec.graph import Target
from deit_spec.pipeline import finish

NARROW, WIDE = 80, 120
Picture: TypeAlias = Literal["figure", "tree", "json"]


def run(  # noqa: PLR0913  -- each is an option of the command
    spec: SpecArgument,
    output: OutputOption = None,
    *,
    format_: Annotated[Picture, format_option("The format of the drawing.")] = "figure",
    old_format: Annotated[
        Picture | None, typer.Option("--format", hidden=True, case_sensitive=False)
    ] = None,
    target: TargetOption = Target.TRAIN,
    drop_unread: DropUnreadOption = None,
    tap: TapOption = None,
    until: UntilOption = None,
    merge_tokens: MergeTokensOption = None,
    expand: Annotated[
        bool,
        typer.Option("--expand", help="Draw every block, including identical ones."),
    ] = False,
    ascii_only: Annotated[
        bool, typer.Option("--ascii", help="Use ASCII characters only.")
    ] = False,
    color: Annotated[
        bool, typer.Option("--color/--no-color", help="Use colour on a terminal.")
    ] = True,
    width: Annotated[
        int | None,
        option(
            "--width",
            f"The width of the drawing; by default that of the terminal, up to {WIDE}.",
            metavar="COLUMNS",
            min=NARROW,
        ),
    ] = None,
) -> None:
    """Draw the architecture of a spec."""
    checked = read(spec, merge_tokens)
    format_ = old_format or format_
    target, options = pass_options(
        spec, target, drop_unread=drop_unread, tap=tap, until=until
    )
    graph = finish(checked, target, options)
    from deit_spec.diagram import as_json, draw, tree

    if format_ == "json":
        emit_json(as_json(graph), output)
        return
    to_file = is_file(output)
    columns = max(NARROW, min(width or _columns(to_file=to_file), WIDE))
    plain = ascii_only or not (to_file or can_encode("╭→⊕ᵀ√"))
    if to_file:
        console = make_console(width=columns, record=True, file=io.StringIO())
    else:
        console = make_console(color=color, width=columns)
    if format_ == "tree":
        console.print(tree(graph, expand=expand, ascii_only=plain))
    else:
        figure = draw(graph, width=columns, expand=expand, ascii_only=plain)
        console.print(figure, soft_wrap=True)
    if to_file:
        emit(console.export_text(), output)


def _columns(*, to_file: bool) -> int:
    """The width of the terminal, or 80, so that files and pipes get the same."""
    if to_file or not sys.stdout.isatty():
        return NARROW
    return shutil.get_terminal_size((NARROW, 24)).columns
