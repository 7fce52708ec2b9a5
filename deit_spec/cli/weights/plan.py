"""`deit-spec weights plan`: what would become of every tensor."""

from typing import TYPE_CHECKING, Annotated

import typer

from deit_spec.cli.arguments import SpecArgument, TextForm
from deit_spec.cli.messages import report
from deit_spec.cli.output import emit, read
from deit_spec.cli.weights.arguments import (
    AllowOption,
    AntialiasOption,
    CheckpointArgument,
    FormOption,
    KeyOption,
    refusals,
    refuse,
    words,
)
from deit_spec.cli.weights.progress import Bar
from deit_spec.cli.weights.results import as_text, plan_to_json
from deit_spec.diagnostics import has_errors
from deit_spec.diagnostics.printable import visible
from deit_spec.pipeline import finish

if TYPE_CHECKING:
    from deit_spec.weights import Plan


def run(  # noqa: PLR0913  -- the command's options
    spec: SpecArgument,
    checkpoint: CheckpointArgument,
    *,
    key: KeyOption = None,
    antialias: AntialiasOption = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict/--no-strict",
            help="Refuse what is beyond taking, renaming and fusing tensors.",
        ),
    ] = False,
    allow: AllowOption = None,
    form: FormOption = TextForm.TEXT,
) -> None:
    """Say what would become of every tensor; exit 1 where that cannot be done."""
    checked = read(spec)
    if checked.spec is None:
        refuse(checked.diagnostics, form)
    from deit_spec.weights import allowed, find_forbidden, make_plan, open_checkpoint

    with refusals(form), Bar() as bar:
        opened = open_checkpoint(checkpoint, entry=key, progress=bar)
        plan = make_plan(finish(checked), opened, antialias=antialias)
    permitted = allowed(strict=strict, allow=words(allow))
    found = (*plan.diagnostics, *find_forbidden(plan, permitted))
    if form is TextForm.JSON:
        everything = (*checked.diagnostics, *found)
        emit(as_text(plan_to_json(plan, permitted, everything)), None)
    else:
        show(plan)
    report(found)
    raise typer.Exit(1 if has_errors(found) else 0)


def show(plan: "Plan") -> None:
    """Print a table of the tensors, and how many meet each fate."""
    from deit_spec.cli.weights.table import layout

    head = f"{plan.spec} from {plan.checkpoint}: {plan.format}; {plan.naming_scheme}"
    typer.echo(visible(head))
    if plan.steps or plan.dropped or plan.left_over:
        typer.echo(layout(plan))
    typer.echo(fates(plan))
    if plan.needs:
        typer.echo(f"to be allowed: {', '.join(sorted(plan.needs))}")


def fates(plan: "Plan") -> str:
    """How many tensors meet each fate."""
    counts = [f"{number} {fate}" for fate, number in plan.counts().items()]
    return ", ".join(counts) or "nothing is planned"
