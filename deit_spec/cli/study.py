"""`deit-spec study`: train a recipe with several losses, data sizes and seeds."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deit_spec.cli import options, output
from deit_spec.cli.inputs import require_kind
from deit_spec.cli.model_options import model_errors
from deit_spec.diagnostics.printable import reason_of
from deit_spec.recipe.documents import Kind

if TYPE_CHECKING:
    from types import FrameType

    from deit_spec.distill.study import Summary


def run(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="A YAML study.")],
    folder: Annotated[
        Path,
        options.output_option(
            "FOLDER", "The folder of runs and results; finished runs in it are kept."
        ),
    ],
    *,
    jobs: Annotated[
        int,
        typer.Option(
            "-j",
            "--jobs",
            metavar="N",
            min=1,
            help="The number of runs at a time, each with one thread.",
        ),
    ] = 1,
    allow_code: options.AllowCodeOption = False,
    format_: Annotated[
        options.TextFormat, options.format_option("The format of the results.")
    ] = options.TextFormat.TEXT,
) -> None:
    """Train each arm of a study, with each data size and seed."""
    from deit_spec.recipe.study_validation import check_study

    output.ignore_closed_pipes()
    checked = check_study(study)
    if checked.study is None:
        require_kind(str(study), checked.document, Kind.STUDY)
    output.report(checked.diagnostics)
    if checked.study is None:
        raise typer.Exit(1)
    from deit_spec.cli.training_progress import StudyProgress, progress_bar
    from deit_spec.distill.study import as_json, run_study, write_report

    with _study_errors(folder), model_errors(), progress_bar() as bar:
        watch = StudyProgress(bar)
        summary = run_study(
            checked, folder, jobs=jobs, allow_code=allow_code, watch=watch
        )
        write_report(summary, folder)
    if format_ is options.TextFormat.JSON:
        output.emit_json(as_json(summary), None)
    else:
        _print(summary, folder)
    if summary.failed:
        raise typer.Exit(1)


@contextmanager
def _study_errors(folder: Path) -> Iterator[None]:
    """Report why a study has stopped; SIGTERM stops it as SIGINT does."""
    from concurrent.futures import BrokenExecutor

    from deit_spec.distill.study import StoppedError

    received = signal.SIGINT

    def stop(number: int, _: "FrameType | None") -> None:
        nonlocal received
        received = signal.Signals(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except (KeyboardInterrupt, StoppedError):
        text = "stopped; finished runs are kept, and the same command continues"
        typer.echo(text, err=True)
        raise typer.Exit(output.SIGNAL_EXIT + received) from None
    except BrokenExecutor:
        output.fail("a process of the study was killed; the same command continues")
    except OSError as error:
        output.fail(f"cannot write {error.filename or folder}: {reason_of(error)}")
    finally:
        signal.signal(signal.SIGTERM, before)


def _print(summary: "Summary", folder: Path) -> None:
    from deit_spec.cli.tables import print_table, table_of
    from deit_spec.distill.study import study_report as report

    table = table_of(report.HEAD, [], left=["arm"])
    last = None
    for cells in report.score_cells(summary):
        if last not in {None, cells[0]}:
            table.add_section()
        table.add_row(cells[0] if cells[0] != last else "", *cells[1:])
        last = cells[0]
    print_table(table, [], None)
    if summary.differences:
        head = report.difference_head(summary)
        print_table(table_of(head, report.difference_cells(summary)), [], None)
    suffixes = ("md", "json", "png", "svg")
    files = ", ".join(str(folder / f"study.{suffix}") for suffix in suffixes)
    for line in (*report.notes(summary), f"wrote {files}"):
        sys.stdout.write(f"{line}\n")
