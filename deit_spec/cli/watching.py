"""How a study shows itself: a bar on a terminal, a line for each run elsewhere."""

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress

    from deit_spec.distill.study import Result, Watch
    from deit_spec.distill.training import RunError


@contextmanager
def make_watch() -> "Iterator[Watch]":
    """Watch a study on stderr."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield Lines()
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
        yield Bar(bar)


class Lines:
    """A plain line for each thing that is done."""

    def __init__(self) -> None:
        self.planned = self.done = 0

    def begun(self, planned: int, done: int, stale: int) -> None:
        """Say how much there is to do."""
        self.planned, self.done = planned, done
        self.say(beginning(planned, done, stale))

    def teaching(self, done: int, teachers: int) -> None:
        """Say how many teachers are ready."""
        if done == teachers:
            self.say("1 teacher" if teachers == 1 else f"{teachers} teachers")

    def finished(self, result: "Result") -> None:
        """Say what a run came to."""
        self.done += 1
        width = len(str(self.planned))
        self.say(f"{self.done:{width}}/{self.planned} {told(result)}")

    def failed(self, run: str, error: "RunError") -> None:
        """Say why a run has ended."""
        self.say(f"{run} failed: {reason_of(error)}")

    def say(self, line: str) -> None:
        """Print a line."""
        typer.echo(line, err=True)


class Bar:
    """A bar of runs, with the last one below it."""

    def __init__(self, bar: "Progress") -> None:
        self.bar = bar
        self.task = bar.add_task("runs", total=None)

    def begun(self, planned: int, done: int, stale: int) -> None:
        """Say how much there is to do."""
        self.bar.console.print(beginning(planned, done, stale), highlight=False)
        # What was done before tells nothing about how long the rest takes.
        self.bar.reset(self.task, total=planned - done)

    def teaching(self, done: int, teachers: int) -> None:
        """Show how many teachers are ready."""
        ready = done == teachers
        text = "runs" if ready else f"teachers {done} of {teachers}, runs"
        self.bar.update(self.task, description=text)

    def finished(self, result: "Result") -> None:
        """Say what a run came to."""
        self.bar.console.print(told(result), highlight=False, markup=False)
        self.bar.advance(self.task)

    def failed(self, run: str, error: "RunError") -> None:
        """Say why a run has ended."""
        self.bar.console.print(
            f"{run} failed: {reason_of(error)}", highlight=False, markup=False
        )
        self.bar.advance(self.task)


def reason_of(error: "RunError") -> str:
    """The message of an error alone."""
    return error.diagnostics[0].message


def beginning(planned: int, done: int, stale: int) -> str:
    """Say how much there is to do."""
    text = "1 run" if planned == 1 else f"{planned} runs"
    if done:
        text += f", {done} of them done before"
    if stale:
        text += f"; {stale} older results are of other recipes and left out"
    return text


def told(result: "Result") -> str:
    """Say what a run came to."""
    return (
        f"{result.arm}, {result.images:,} images, seed {result.seed}: "
        f"{100 * result.answer.top1:.2f} % in {result.seconds:.1f} s"
    )
