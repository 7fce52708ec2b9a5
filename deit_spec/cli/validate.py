"""`deit-spec validate`: find every mistake, and sum up what is right."""

from typing import Annotated

import typer

from deit_spec.cli.output import read
from deit_spec.cost import short, total
from deit_spec.graph import LayerGraph
from deit_spec.ops import show
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
        typer.echo(f"{name}: {summarise(finish(checked))}")
    raise typer.Exit(1 if failed else 0)


def summarise(graph: LayerGraph) -> str:
    """Name, tokens, parameters, MACs and output shapes, on one line."""
    cost = total(graph)
    outputs = [
        f"{name} {show(graph.shape(path))}" for name, path in graph.outputs.items()
    ]
    return ", ".join(
        [
            graph.name,
            f"{_tokens(graph)} tokens",
            f"{cost.parameters:,} parameters",
            f"{short(cost.macs)} MACs",
            *outputs,
        ]
    )


def _tokens(graph: LayerGraph) -> int | None:
    """The tokens that reach the final norm."""
    return graph.shape("norm")[1].size
