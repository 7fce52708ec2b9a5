"""`deit-spec weights plan`: what would become of every tensor."""

import io
import json
import shutil
import sys
from typing import TYPE_CHECKING

import typer

from deit_spec.cli.arguments import SpecArgument
from deit_spec.cli.messages import report
from deit_spec.cli.output import read
from deit_spec.cli.weights.arguments import (
    AntialiasOption,
    CheckpointArgument,
    Form,
    FormOption,
    KeyOption,
    refusals,
)
from deit_spec.cli.weights.progress import Bar
from deit_spec.diagnostics.visible import visible
from deit_spec.pipeline import finish

if TYPE_CHECKING:
    from rich.table import Table

    from deit_spec.weights import Plan

NARROW = 100
UNBROKEN = 10_000


def run(
    spec: SpecArgument,
    checkpoint: CheckpointArgument,
    *,
    key: KeyOption = None,
    antialias: AntialiasOption = False,
    form: FormOption = Form.TEXT,
) -> None:
    """Say what would become of every tensor; exit 1 where it does not fit."""
    checked = read(spec)
    if checked.spec is None:
        raise typer.Exit(1)
    from deit_spec.weights import make_plan, open_checkpoint

    with refusals(), Bar() as bar:
        opened = open_checkpoint(checkpoint, entry=key, progress=bar)
        plan = make_plan(finish(checked), opened, antialias=antialias)
    if form is Form.JSON:
        from deit_spec.weights.plan import as_json

        sys.stdout.write(json.dumps(as_json(plan), indent=2) + "\n")
    else:
        show(plan)
    report(plan.diagnostics)
    raise typer.Exit(0 if plan.reconciles else 1)


def show(plan: "Plan") -> None:
    """Print a table of the tensors, and how many meet each fate."""
    head = f"{plan.spec} from {plan.checkpoint}: {plan.format}; {plan.dialect}"
    typer.echo(visible(head))
    if plan.steps or plan.dropped or plan.left_over:
        typer.echo(layout(plan))
    typer.echo(fates(plan))
    if plan.needs:
        typer.echo(f"needs strict off, or allowed: {', '.join(sorted(plan.needs))}")


def fates(plan: "Plan") -> str:
    """How many tensors meet each fate."""
    counts = [f"{number} {fate}" for fate, number in plan.counts().items()]
    return ", ".join(counts) or "nothing is planned"


def layout(plan: "Plan") -> str:
    """Lay the table out: as wide as a terminal, or a tensor a line where none is."""
    from rich.console import Console

    text = io.StringIO()
    terminal = shutil.get_terminal_size((NARROW, 24)).columns
    width = max(terminal, NARROW) if sys.stdout.isatty() else UNBROKEN
    Console(file=text, width=width).print(tabulate(plan))
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def tabulate(plan: "Plan") -> "Table":
    """A row for each tensor: what the model gets, then what the file has over."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("tensor", "shape", "fate", "from"):
        table.add_column(title, overflow="fold")
    for step in plan.steps:
        shape = "×".join(map(str, step.shape))
        plain = step.sources == (step.name,) and not step.reason
        source = "" if plain else "; ".join([*_of(step.sources), *_said(step.reason)])
        table.add_row(step.name, shape, step.kind.value, Text(visible(source)))
    for each in plan.dropped:
        fate = Text(visible(f"{each.name}: {each.reason}"))
        table.add_row("", "", "dropped", fate)
    for name in plan.missing:
        table.add_row(name, "", "missing", "")
    for name in plan.left_over:
        table.add_row("", "", "left over", Text(visible(name)))
    return table


def _of(sources: tuple[str, ...]) -> list[str]:
    return [", ".join(sources)] if sources else []


def _said(reason: str) -> list[str]:
    return [reason] if reason else []
