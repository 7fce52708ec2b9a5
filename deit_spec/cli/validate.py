"""`deit-spec validate`: find every mistake, mend what is certain, sum up the rest."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from deit_spec.cli import fixing, messages
from deit_spec.cli.arguments import OutputOption
from deit_spec.cli.output import STDIN, check, count_fixes, emit, fail
from deit_spec.cli.specs import expand
from deit_spec.diagnostics import Diagnostic
from deit_spec.diagnostics.forms import Form
from deit_spec.diagnostics.visible import visible


def run(
    specs: Annotated[
        list[str],
        typer.Argument(
            metavar="SPEC...",
            help="YAML specs, directories or globs of them, or published names; "
            "- is standard input.",
        ),
    ],
    output: OutputOption = None,
    *,
    form: Annotated[
        Form | None,
        typer.Option(
            "--output-format",
            help="The form of the findings; all but text go to stdout.",
            show_default="text",
        ),
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend in the files what is certain.")
    ] = False,
    diff: Annotated[
        bool,
        typer.Option("--diff", help="Print what --fix would change; exit 1 if any."),
    ] = False,
) -> None:
    """Check specs, and say what is wrong with them; exit 1 if any has an error."""
    form = form or messages.chosen()
    if output is not None and form is Form.TEXT:
        fail("-o takes findings in another form than text: see --output-format")
    messages.take_over()
    names = expand(specs)
    is_taken = diff or (fix and STDIN in names)
    if is_taken and form is not Form.TEXT and str(output or STDIN) == STDIN:
        result = "--diff" if diff else "--fix -"
        fail(f"{result} prints to stdout, so findings in {form.value} need -o FILE")
    outcomes = (
        fixing.write(names)
        if fix and not diff
        else map(fixing.show if diff else _check, names)
    )
    if form is not Form.TEXT:
        failed = _as_one(outcomes, form, output)
    elif len(names) == 1:
        failed = _one(names[0], next(outcomes), quiet=is_taken)
    else:
        failed = _several(outcomes, quiet=is_taken)
    raise typer.Exit(1 if failed else 0)


def _check(name: str) -> fixing.Outcome:
    return fixing.Outcome(check(name))


def _one(name: str, outcome: fixing.Outcome, *, quiet: bool) -> bool:
    """Print the findings of a spec, or what it describes."""
    checked = outcome.checked
    if checked.diagnostics:
        fixes = count_fixes(name, checked)
        messages.draw(checked.diagnostics, counted=True, fixes=fixes)
    if checked.spec is not None and not quiet:
        # Of several specs no graph is made.
        from deit_spec.cost import summarise
        from deit_spec.pipeline import finish

        typer.echo(f"{visible(name)}: {summarise(finish(checked))}")
    return outcome.failed


def _several(outcomes: Iterable[fixing.Outcome], *, quiet: bool) -> bool:
    """Print the findings of each spec, and how many there are without.

    The last goes to stderr where stdout is for something else.
    """
    failed = []
    for outcome in outcomes:
        failed.append(outcome.failed)
        if outcome.checked.diagnostics:
            messages.draw(outcome.checked.diagnostics, counted=False)
    verdict = f"{sum(failed):,} with errors" if any(failed) else "all valid"
    typer.echo(f"{len(failed):,} specs, {verdict}", err=quiet)
    return any(failed)


def _as_one(
    outcomes: Iterable[fixing.Outcome], form: Form, output: Path | None
) -> bool:
    """Print the findings of all specs as one document."""
    found, failed = list[Diagnostic](), False
    for outcome in outcomes:
        found += outcome.checked.diagnostics
        failed |= outcome.failed
    emit(messages.write(found, form), output)
    return failed
