"""`deit-spec weights`: checkpoints planned, converted and inspected."""

import typer

from deit_spec.cli.weights import convert, inspect, plan

app = typer.Typer(help="Plan, convert and inspect checkpoints.", no_args_is_help=True)
app.command("plan")(plan.run)
app.command("convert")(convert.run)
app.command("inspect")(inspect.run)

__all__ = ["app"]
