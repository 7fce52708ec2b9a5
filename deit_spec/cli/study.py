"""`deit-spec study`: train a recipe with several losses, data sizes and seeds."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deit_spec.cli.inputs import require_kind
from deit_spec.cli.model_options import model_errors
from deit_spec.cli.options import (
    AllowCodeOption,
    TextFormat,
    format_option,
    output_option,
)
from deit_spec.cli.output import (
    SIGNAL_EXIT,
    emit_json,
    fail,
    ignore_closed_pipes,
    report,
)
from deit_spec.diagnostics.printable import reason_of
from deit_spec.recipe.documents import Kind

if TYPE_CHECKING:
    from types import FrameType

    from rich.progress import Progress

    from deit_spec.distill.study import Result, Summary, Watch
    from deit_spec.distill.training import RunError


def run(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="A YAML study.")],
    folder: Annotated[
        Path,
        output_option(
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
    allow_code: AllowCodeOption = False,
    format_: Annotated[
        TextFormat, format_option("The format of the results.")
    ] = TextFormat.TEXT,
) -> None:
    """Train each arm of a study, with each data size and seed."""
    from deit_spec.recipe.study_validation import check_study

    ignore_closed_pipes()
    checked = check_study(study)
    if checked.study is None:
        require_kind(str(study), checked.document, Kind.STUDY)
    report(checked.diagnostics)
    if checked.study is None:
        raise typer.Exit(1)
    from deit_spec.distill.study import as_json, run_study, write_report

    with (
        _stopped_by_signals(),
        _study_errors(folder),
        model_errors(),
        _watch() as watch,
    ):
        summary = run_study(
            checked, folder, jobs=jobs, allow_code=allow_code, watch=watch
        )
        write_report(summary, folder)
    if format_ is TextFormat.JSON:
        emit_json(as_json(summary), None)
    else:
        _print(summary, folder)
    if summary.failed:
        raise typer.Exit(1)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Stop at SIGTERM as at SIGINT.

    Raises:
        typer.Exit: It was stopped.
    """
    received = signal.SIGINT

    def stop(number: int, _: "FrameType | None") -> None:
        nonlocal received
        received = signal.Signals(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        text = "stopped; finished runs are kept, and the same command continues"
        typer.echo(text, err=True)
        raise typer.Exit(SIGNAL_EXIT + received) from None
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _study_errors(folder: Path) -> Iterator[None]:
    """Report why a study cannot go on.

    Raises:
        typer.Exit: It cannot.
    """
    from concurrent.futures import BrokenExecutor

    from deit_spec.distill.study import ForeignError, StoppedError

    try:
        yield
    except StoppedError:
        raise KeyboardInterrupt from None
    except ForeignError as error:
        fail(str(error))
    except BrokenExecutor:
        fail("a process of the study was killed; the same command continues")
    except OSError as error:
        fail(f"cannot write {error.filename or folder}: {reason_of(error)}")


def _print(summary: "Summary", folder: Path) -> None:
    from deit_spec.cli.tables import print_table, table_of
    from deit_spec.distill.study import study_report as report

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
    suffixes = ("md", "json", "png", "svg")
    files = ", ".join(str(folder / f"study.{suffix}") for suffix in suffixes)
    for line in (*report.notes(summary), f"wrote {files}"):
        sys.stdout.write(f"{line}\n")


@contextmanager
def _watch() -> "Iterator[Watch]":
    """Show progress on standard error: with a bar on a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield Watcher()
        return
    from rich import progress
    from rich.console import Console

    with progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TextColumn("left"),
        progress.TimeRemainingColumn(elapsed_when_finished=False),
        console=Console(stderr=True),
    ) as bar:
        yield Watcher(bar)


class Watcher:
    """Prints a line for each event, above a progress bar if there is one."""

    def __init__(self, bar: "Progress | None" = None) -> None:
        self.bar = bar
        self.task = None if bar is None else bar.add_task("runs", total=None)
        self.planned = self.done = 0

    def begun(self, planned: int, done: int, stale: int) -> None:
        """Print how many runs there are."""
        self.planned, self.done = planned, done
        self._print(_start_text(planned, done, stale))
        if self.bar is not None and self.task is not None:
            # Earlier runs are left out of the estimated time.
            self.bar.reset(self.task, total=planned - done)

    def teaching(self, done: int, teachers: int) -> None:
        """Show how many teachers are ready."""
        ready = done == teachers
        if self.bar is not None and self.task is not None:
            text = "runs" if ready else f"teachers {done} of {teachers}, runs"
            self.bar.update(self.task, description=text)
        elif ready:
            self._print("1 teacher" if teachers == 1 else f"{teachers} teachers")

    def finished(self, result: "Result") -> None:
        """Print the result of a run."""
        self.done += 1
        number = f"{self.done:{len(str(self.planned))}}/{self.planned}"
        self._print(
            f"{number} {result.arm}, {result.images:,} images, seed {result.seed}: "
            f"{100 * result.answer.top1:.2f} % in {result.seconds:.1f} s"
        )
        self._advance()

    def failed(self, run: str, error: "RunError") -> None:
        """Print the error of a run."""
        self._print(f"{run} failed: {error.diagnostics[0].message}")
        self._advance()

    def _advance(self) -> None:
        if self.bar is not None and self.task is not None:
            self.bar.advance(self.task)

    def _print(self, line: str) -> None:
        if self.bar is None:
            typer.echo(line, err=True)
        else:
            self.bar.console.print(line, highlight=False, markup=False)


def _start_text(planned: int, done: int, stale: int) -> str:
    text = "1 run" if planned == 1 else f"{planned} runs"
    if done:
        text += f", {done} of them already finished"
    if stale:
        text += f"; {stale} older results are of other recipes and were left out"
    return text
