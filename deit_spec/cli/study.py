"""`deit-spec study`: a recipe with other losses, images and seeds, side by side."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deit_spec.cli import messages
from deit_spec.cli.arguments import AllowCodeOption, TextForm, output_option, path_of
from deit_spec.cli.output import BY_SIGNAL, emit, fail, require_kind
from deit_spec.cli.streams import outlive_readers
from deit_spec.cli.trained import failures
from deit_spec.diagnostics.printable import reason_of
from deit_spec.recipe.documents import Kind

if TYPE_CHECKING:
    from types import FrameType

    from deit_spec.distill.study import Summary


def run(
    study: Annotated[
        Path, typer.Argument(metavar="STUDY", parser=path_of, help="A YAML study.")
    ],
    folder: Annotated[
        Path,
        output_option(
            "FOLDER",
            "Where runs and results go; what is there already is not run again.",
        ),
    ],
    *,
    jobs: Annotated[
        int,
        typer.Option(
            "-j", "--jobs", min=1, help="How many runs at once, each on one thread."
        ),
    ] = 1,
    allow_code: AllowCodeOption = False,
    form: Annotated[
        TextForm, typer.Option("--output-format", help="The form of the results.")
    ] = TextForm.TEXT,
) -> None:
    """Train each arm of a study, on each number of images with each seed."""
    from deit_spec.recipe.study_validation import check_study

    outlive_readers()
    checked = check_study(study)
    if checked.study is None:
        require_kind(str(study), checked.document, Kind.STUDY)
    messages.report(checked.diagnostics)
    if checked.study is None:
        raise typer.Exit(1)
    from deit_spec.cli.watching import make_watch
    from deit_spec.distill.study import as_json, run_study, write_report

    with _stopping(), _reasons(folder), failures(), make_watch() as watch:
        summary = run_study(
            checked, folder, jobs=jobs, allow_code=allow_code, watch=watch
        )
        write_report(summary, folder)
    if form is TextForm.JSON:
        emit(json.dumps(as_json(summary), indent=2) + "\n", None)
    else:
        _print(summary, folder)
    if summary.failed:
        raise typer.Exit(1)


@contextmanager
def _stopping() -> Iterator[None]:
    """Stop at SIGTERM as at Ctrl-C.

    Raises:
        typer.Exit: It was stopped.
    """
    asked = signal.SIGINT

    def stop(number: int, _: "FrameType | None") -> None:
        nonlocal asked
        asked = signal.Signals(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        text = "stopped; what is done is kept, and the same command goes on from there"
        typer.echo(text, err=True)
        raise typer.Exit(BY_SIGNAL + asked) from None
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _reasons(folder: Path) -> Iterator[None]:
    """Say why a study cannot go on.

    Raises:
        typer.Exit: It cannot.
    """
    from concurrent.futures import BrokenExecutor

    from deit_spec.distill.study import ForeignError, StoppedError
    from deit_spec.distill.training import RunError
    from deit_spec.weights import WeightsError

    try:
        yield
    except StoppedError:
        raise KeyboardInterrupt from None
    except (RunError, WeightsError) as error:
        messages.report(error.diagnostics)
        raise typer.Exit(1) from None
    except ForeignError as error:
        fail(str(error))
    except BrokenExecutor:
        fail("a process of the study was killed; the same command goes on")
    except OSError as error:
        reason = reason_of(error)
        fail(f"cannot write {error.filename or folder}: {reason}")


def _print(summary: "Summary", folder: Path) -> None:
    from deit_spec.cli.tables import print_table, table_of
    from deit_spec.distill.study import report

    table = table_of(report.HEAD, [])
    last = None
    for cells in report.score_cells(summary):
        if last not in {None, cells[0]}:
            table.add_section()
        table.add_row(cells[0] if cells[0] != last else "", *cells[1:])
        last = cells[0]
    table.columns[1].justify = "left"
    print_table(table, [], None)
    if summary.differences:
        head = report.difference_head(summary)
        print_table(table_of(head, report.difference_cells(summary)), [], None)
    files = ", ".join(
        str(folder / f"study.{form}") for form in ("md", "json", "png", "svg")
    )
    for line in (*report.notes(summary), f"written: {files}"):
        sys.stdout.write(f"{line}\n")
