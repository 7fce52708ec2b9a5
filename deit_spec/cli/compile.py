"""`deit-spec compile`: write the torch module, or check that it is up to date."""

from pathlib import Path
from typing import Annotated

import typer

from deit_spec.cli.inputs import read
from deit_spec.cli.options import (
    DropUnreadOption,
    MergeTokensOption,
    OutputOption,
    SpecArgument,
    TapOption,
    UntilOption,
    option,
    pass_options,
)
from deit_spec.cli.output import emit, fail, is_file, unified_diff
from deit_spec.diagnostics.printable import reason_of, visible
from deit_spec.graph import Target
from deit_spec.pipeline import compile_checked

TargetOption = Annotated[
    Target,
    typer.Option("--target", help="Compile the model for training or for inference."),
]


def run(  # noqa: PLR0913  -- each is an option of the command
    spec: SpecArgument,
    output: OutputOption = None,
    *,
    target: TargetOption = Target.TRAIN,
    drop_unread: DropUnreadOption = None,
    tap: TapOption = None,
    until: UntilOption = None,
    merge_tokens: MergeTokensOption = None,
    check: Annotated[
        bool, option("--check", "Write nothing; exit with 1 if FILE would change.")
    ] = False,
) -> None:
    """Compile a spec to a PyTorch module."""
    if check and not is_file(output):
        fail("--check needs -o FILE to compare with")
    checked = read(spec, merge_tokens)
    target, options = pass_options(
        spec, target, drop_unread=drop_unread, tap=tap, until=until
    )
    source = compile_checked(checked, target, options).source
    if check and output is not None:
        _compare(output, source)
    else:
        emit(source, output)


def _compare(path: Path, source: str) -> None:
    """Print what would change in a file, and exit with 1 if there is a change."""
    try:
        before = path.read_bytes()
    except FileNotFoundError:
        typer.echo(f"{visible(str(path))} is missing", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        fail(f"cannot read {path}: {reason_of(error)}")
    if before != source.encode():
        emit(unified_diff(str(path), before, source.encode(), "compiled"), None)
        typer.echo(f"{visible(str(path))} is out of date", err=True)
        raise typer.Exit(1)
