"""`deit-spec compile`: write the torch module, or check that it is up to date."""

from pathlib import Path
from typing import Annotated

import typer

from deit_spec.cli.arguments import OutputOption, SpecArgument
from deit_spec.cli.difference import difference
from deit_spec.cli.output import STDIN, emit, fail, read
from deit_spec.cli.target import TargetOption
from deit_spec.diagnostics.printable import reason_of, visible
from deit_spec.graph import Target
from deit_spec.pipeline import compile_checked


def run(
    spec: SpecArgument,
    output: OutputOption = None,
    *,
    target: TargetOption = Target.TRAIN,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; exit 1 if FILE would change."),
    ] = False,
) -> None:
    """Compile a spec to a torch module."""
    if check and (output is None or str(output) == STDIN):
        fail("--check compares with a file: name it with -o FILE")
    checked = read(spec)
    if checked.spec is None:
        raise typer.Exit(1)
    source = compile_checked(checked, target).source
    if check and output is not None:
        compare(output, source)
    else:
        emit(source, output)


def compare(path: Path, source: str) -> None:
    """Print what would change in a file.

    Raises:
        typer.Exit: The file is missing or would change, code 1.
    """
    try:
        there = path.read_bytes()
    except FileNotFoundError:
        typer.echo(f"{visible(str(path))} is missing", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        fail(f"cannot read {path}: {reason_of(error)}")
    if there == source.encode():
        return
    emit(difference(str(path), there, source.encode(), "compiled"), None)
    typer.echo(f"{visible(str(path))} is not what its spec compiles to", err=True)
    raise typer.Exit(1)
