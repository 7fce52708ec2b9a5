"""`deit-spec validate`: find every mistake, fix what is certain, sum up the rest."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from deit_spec.cli import fixing, messages
from deit_spec.cli.arguments import OutputOption, named, set_option
from deit_spec.cli.documents import Documents, summarise
from deit_spec.cli.news import News
from deit_spec.cli.output import STDIN, called, emit, fail
from deit_spec.cli.specs import expand
from deit_spec.diagnostics import Diagnostic, has_errors
from deit_spec.diagnostics.formats import Format
from deit_spec.diagnostics.printable import visible
from deit_spec.spec import Checked


def run(  # noqa: PLR0913  -- an argument for each option
    specs: Annotated[
        list[str],
        typer.Argument(
            metavar="SPEC...",
            callback=named,
            help="YAML specs and recipes, directories or globs of them, or published "
            "names; - is standard input.",
        ),
    ],
    output: OutputOption = None,
    *,
    overrides: Annotated[
        list[str] | None,
        set_option("Lay a value over those of a recipe: optimizer.lr=1e-3."),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--output-format",
            help="The form of the findings; all but text go to stdout.",
            show_default="text",
        ),
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Fix in the files what is certain.")
    ] = False,
    diff: Annotated[
        bool,
        typer.Option("--diff", help="Print what --fix would change; exit 1 if any."),
    ] = False,
) -> None:
    """Check specs and recipes, and say what is wrong; exit 1 if any has an error."""
    form = form or messages.chosen()
    if output is not None and form is Format.TEXT:
        fail("-o takes findings in another form than text: see --output-format")
    messages.take_over(form)
    names = expand(specs)
    documents = Documents(overrides or ())
    if documents.overrides and (fix or diff):
        fail("--set changes no file, so it goes without --fix and --diff")
    is_taken = diff or (fix and STDIN in names)
    if is_taken and form is not Format.TEXT and str(output or STDIN) == STDIN:
        result = "--diff" if diff else "--fix -"
        fail(f"{result} prints to stdout, so findings in {form.value} need -o FILE")
    outcomes = _outcomes(names, documents, fix=fix, diff=diff)
    if form is not Format.TEXT:
        failed = _as_one(outcomes, form, output)
    elif len(names) == 1:
        failed = _one(names[0], next(outcomes), documents, quiet=is_taken)
    else:
        failed = _several(outcomes, quiet=is_taken)
    raise typer.Exit(1 if failed else 0)


def _outcomes(
    names: Sequence[str], documents: Documents, *, fix: bool, diff: bool
) -> Iterator[fixing.Outcome]:
    if diff:
        return fixing.show(names, documents)
    if fix:
        return fixing.write(names, documents)
    return (fixing.Outcome(documents.check(name)) for name in names)


def _one(
    name: str, outcome: fixing.Outcome, documents: Documents, *, quiet: bool
) -> bool:
    """Print the findings of a document, or what it describes."""
    checked = outcome.checked
    if checked.diagnostics:
        fixes = documents.count_fixes(name, checked)
        messages.draw(checked.diagnostics, counted=True, fixes=fixes)
    # Of several specs no graph is made.
    if not quiet and (described := summarise(checked)):
        typer.echo(f"{visible(called(name))}: {described}")
    return outcome.failed


def _several(outcomes: Iterable[fixing.Outcome], *, quiet: bool) -> bool:
    """Print the findings of each spec, and how many there are without.

    The last goes to stderr where stdout is for something else.
    """
    total = wrong = changed = 0
    kind, news = "specs", News()
    for outcome in outcomes:
        total += 1
        wrong += has_errors(outcome.checked.diagnostics)
        changed += outcome.changes
        kind = kind if isinstance(outcome.checked, Checked) else "files"
        if found := news.of(outcome.checked.diagnostics):
            messages.draw(found, counted=False)
    verdicts = [
        f"{count:,} {what}"
        for count, what in ((wrong, "with errors"), (changed, "to be fixed"))
        if count
    ]
    verdict = ", ".join(verdicts) or "all valid"
    typer.echo(f"{total:,} {kind}, {verdict}", err=quiet)
    return bool(verdicts)


def _as_one(
    outcomes: Iterable[fixing.Outcome], form: Format, output: Path | None
) -> bool:
    """Print the findings of all specs as one document."""
    found, failed, news = list[Diagnostic](), False, News()
    for outcome in outcomes:
        found += news.of(outcome.checked.diagnostics)
        failed |= outcome.failed
    emit(messages.write(found, form), output)
    return failed
