"""`deit-spec diff`: what differs between two models."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from deit_spec.cli.compared_inputs import open_compared
from deit_spec.cli.compile import TargetOption
from deit_spec.cli.options import OutputOption, format_option, option
from deit_spec.cli.output import (
    STDIO,
    emit,
    emit_json,
    fail,
    is_file,
    make_console,
    report,
)
from deit_spec.graph import Target

if TYPE_CHECKING:
    from deit_spec.compare import ModelDifference

KINDS = ("fields", "graph", "weights", "cost")
HELP = (
    "A YAML spec, a model folder, a checkpoint, the name of a published model, "
    "git:REV:PATH, or - for standard input."
)


def failure(text: str) -> tuple[str, float]:
    """Read what to fail on: `fields`, or `cost:5%` with a limit in percent."""
    kind, _, limit = text.lower().partition(":")
    if kind == "cost" and (number := re.fullmatch(r"(\d+(?:\.\d+)?)%", limit)):
        return kind, float(number[1])
    if limit or kind not in KINDS:
        choices = ", ".join(KINDS)
        message = f"{text!r} is not one of {choices}, or a limit such as cost:5%"
        raise typer.BadParameter(message)
    return kind, 0.0


def run(  # noqa: PLR0913  -- each is an option of the command
    a: Annotated[str, typer.Argument(metavar="A", help=HELP)],
    b: Annotated[str, typer.Argument(metavar="B", help=HELP)],
    output: OutputOption = None,
    *,
    target: TargetOption = Target.TRAIN,
    fail_on: Annotated[
        list[Any] | None,
        option(
            "--fail-on",
            "Exit with 1 if this differs: fields, graph, weights or cost, which may "
            "have a limit, such as cost:5%; can be repeated.",
            metavar="WHAT",
            parser=failure,
        ),
    ] = None,
    format_: Annotated[
        Literal["text", "json", "markdown"],
        format_option("The format of the differences."),
    ] = "text",
) -> None:
    """Compare two models: their fields, graphs, cost and weights."""
    if a == b == STDIO:
        fail("only one of A and B can be standard input")
    from deit_spec.compare import compare

    found = compare(open_compared(a, target), open_compared(b, target))
    if format_ == "json":
        emit_json(found.as_json(), output)
    elif format_ == "markdown":
        from deit_spec.cli.difference_text import markdown

        emit(markdown(found), output)
    else:
        _print(found, output)
    errors = found.weights.errors if found.weights.is_file else ()
    report(errors)
    if errors or any(_fails(found, *each) for each in fail_on or ()):
        raise typer.Exit(1)


def _print(found: "ModelDifference", output: Path | None) -> None:
    from deit_spec.cli.difference_text import layout

    text = layout(found, to_file=is_file(output))
    if is_file(output):
        emit(f"{text.plain}\n", output)
    else:
        make_console().print(text)


def _fails(found: "ModelDifference", kind: str, limit: float) -> bool:
    """Whether the models differ in what the command fails on."""
    if kind == "cost":
        return any(amount.exceeds(limit) for amount in found.costs)
    if kind == "fields":
        return bool(found.fields)
    return not (found.graph if kind == "graph" else found.weights).is_empty
