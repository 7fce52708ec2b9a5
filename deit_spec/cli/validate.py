"""`deit-spec validate`: find every mistake, and sum up what is right."""

from typing import Annotated

import typer

from deit_spec.cli.output import read
from deit_spec.cost import summarise
from deit_spec.diagnostics.visible import visible
from deit_spec.pipeline import finish


def run(
    specs: Annotated[
        list[str],
        typer.Argument(
            metavar="SPEC...",
            help="YAML specs or published names; - is standard input.",
        ),
    ],
) -> None:
    """Check specs; print one line for each good one."""
    failed = False
    for name in specs:
        checked = read(name)
        if checked.spec is None:
            failed = True
            continue
        typer.echo(f"{visible(name)}: {summarise(finish(checked))}")
    raise typer.Exit(1 if failed else 0)
