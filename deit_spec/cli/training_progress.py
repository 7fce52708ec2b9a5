"""Shows the progress of a training run: lines in a pipe, a display on a terminal."""

import time
from pathlib import Path
from typing import Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from deit_spec.diagnostics.printable import visible
from deit_spec.distill.evaluation import Scores, heads_of
from deit_spec.distill.training import Finished, Progress, Reporter, Start
from deit_spec.recipe.run_files import CURVES, HEADS, SUMMARY, WEIGHTS

REFRESHES = 4
"""Refreshes of the display in a second."""
BARS = "▁▂▃▄▅▆▇█"
CURVE_LENGTH = 40
MAX_WIDTH = 100


def summarise_start(start: Start) -> tuple[str, str, str]:
    """The student and its teacher, the images, and the length of the run."""
    teacher = "no teacher"
    if start.teacher is not None:
        teacher = f"{start.loss} distillation from {start.teacher}"
    processes = "" if start.processes == 1 else f", {start.processes} processes"
    resumed = "" if not start.first else f", resumed after step {start.first:,}"
    images = f"{start.train_images:,} images to train on, {start.val_images:,} held out"
    steps = f"{start.steps:,} steps of {start.batch_size:,} images on {start.device}"
    return (
        f"{start.student}: {start.parameters:,} parameters, {teacher}",
        f"{images}, {start.classes:,} classes",
        f"{steps}{processes}{resumed}",
    )


def summarise_end(finished: Finished) -> str:
    """The files that a run has written."""
    names = (WEIGHTS, CURVES, SUMMARY)
    written = [name for name in names if (finished.folder / name).exists()]
    return f"wrote {finished.folder}: {', '.join(written)}"


def clock(seconds: float) -> str:
    """Format a duration.

    >>> clock(65), clock(7385)
    ('1:05', '2:03:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Lines(Reporter):
    """Writes a line for each event but the steps."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.start: Start | None = None
        self.began = 0.0

    def started(self, start: Start) -> None:
        """Write what is trained."""
        self.start, self.began = start, time.monotonic()
        for line in summarise_start(start):
            self._write(line)

    def logged(self, progress: Progress) -> None:
        """Write the loss, the learning rate and the speed."""
        loss = f"loss {progress.loss:.4f}"
        if self.start is not None and self.start.teacher is not None:
            loss += f" (labels {progress.labels:.4f}, teacher {progress.teacher:.4f})"
        speed = f"{progress.images_per_second:,.0f} images/s"
        left = f"{clock(self._left(progress.step))} left"
        rate = f"lr {progress.lr:.2e}"
        self._write(f"{self._at(progress.step)}  {loss}, {rate}, {speed}, {left}")

    def evaluated(self, step: int, scores: Scores) -> None:
        """Write the accuracy of each head."""
        shares = (
            f"{HEADS[name]} {100 * head.top1:.1f} %"
            for name, head in heads_of(scores).items()
        )
        self._write(f"{self._at(step)}  top-1: {', '.join(shares)}")

    def saved(self, step: int, path: Path) -> None:
        """Write the name of a checkpoint."""
        self._write(f"{self._at(step)}  saved {path.name}")

    def said(self, message: str) -> None:
        """Write a message."""
        self._write(visible(message))

    def finished(self, finished: Finished) -> None:
        """Write the names of the results."""
        self._write(summarise_end(finished))

    def _at(self, step: int) -> str:
        total = 0 if self.start is None else self.start.steps
        return f"step {step:>{len(str(total))}}/{total}"

    def _left(self, step: int) -> float:
        if self.start is None:
            return 0.0
        each = (time.monotonic() - self.began) / max(1, step - self.start.first)
        return each * (self.start.steps - step)

    def _write(self, line: str) -> None:
        self.stream.write(f"{line}\n")
        self.stream.flush()


class Display(Reporter):
    """Shows a run on the same few lines; messages are printed above them."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.start: Start | None = None
        self.began = time.monotonic()
        self.step = 0
        self.lines: list[Progress] = []
        self.scores: tuple[int, Scores] | None = None
        self.saved_step: int | None = None
        self.status = "opening images, teacher and student"
        self.live = Live(
            get_renderable=self.render, console=console, refresh_per_second=REFRESHES
        )

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.status = ""
        self.live.stop()

    def started(self, start: Start) -> None:
        """Begin the display."""
        self.start, self.step, self.began = start, start.first, time.monotonic()
        self.status = ""

    def stepped(self, step: int) -> None:
        """Note a step; the next refresh shows it."""
        self.step = step

    def logged(self, progress: Progress) -> None:
        """Note losses."""
        self.lines.append(progress)

    def evaluated(self, step: int, scores: Scores) -> None:
        """Note scores."""
        self.scores = (step, scores)

    def saved(self, step: int, path: Path) -> None:  # noqa: ARG002
        """Note a checkpoint."""
        self.saved_step = step

    def said(self, message: str) -> None:
        """Print a message above."""
        self.console.print(visible(message), markup=False)

    def finished(self, finished: Finished) -> None:
        """Leave the display as it is, and print the names of the results."""
        self.live.stop()
        self.console.print()
        self.console.print(summarise_end(finished), markup=False)

    def render(self) -> RenderableType:
        """Lay out what is known."""
        if self.start is None:
            return Text(self.status, style="dim")
        student, *more = summarise_start(self.start)
        parts: list[RenderableType] = [
            Text(student, style="bold"),
            *(Text(line, style="dim") for line in more),
            self._progress(self.start),
        ]
        if self.lines:
            parts.append(self._losses(self.lines, self.start))
        if self.scores is not None:
            parts.append(self._heads(*self.scores))
        return Group(*parts)

    def _progress(self, start: Start) -> RenderableType:
        done, left = self.step - start.first, start.steps - self.step
        parts = [f"step {self.step:,}/{start.steps:,}"]
        parts.append(f"epoch {self.step / start.steps_per_epoch:,.1f}")
        if self.lines:
            parts.append(f"{self.lines[-1].images_per_second:,.0f} images/s")
        elapsed = time.monotonic() - self.began
        if left and done:
            parts.append(f"{clock(elapsed / done * left)} left")
        else:
            parts.append(clock(elapsed))
        if self.saved_step is not None:
            parts.append(f"saved at {self.saved_step:,}")
        width = min(self.console.width, MAX_WIDTH)
        bar = ProgressBar(total=start.steps, completed=self.step, width=width)
        # The padding ends the line of the bar.
        return Group(Text(), Padding(bar, 0), Text("  ".join(parts)), Text())

    def _losses(self, lines: list[Progress], start: Start) -> RenderableType:
        table = _table("", "now", "so far")
        names = ("loss", "labels", "teacher") if start.teacher else ("loss",)
        for name in names:
            values = [getattr(line, name) for line in lines]
            table.add_row(name, f"{values[-1]:.4f}", _curve(values))
        rates = [line.lr for line in lines]
        table.add_row("lr", f"{rates[-1]:.2e}", _curve(rates))
        return table

    def _heads(self, step: int, scores: Scores) -> RenderableType:
        table = _table(f"at step {step:,}", "top-1", "top-5", "NLL", "ECE")
        for name, head in heads_of(scores).items():
            shares = (f"{100 * share:.2f} %" for share in (head.top1, head.top5))
            table.add_row(HEADS[name], *shares, f"{head.nll:.4f}", f"{head.ece:.4f}")
        return Group(Text(), table)


def _table(first: str, *titles: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column(first, min_width=18, no_wrap=True)
    for title in titles:
        left = title == "so far"
        table.add_column(title, justify="left" if left else "right", no_wrap=True)
    return table


def _curve(values: list[float]) -> Text:
    """Draw numbers as bars, with means if there are many.

    >>> _curve([0.0, 1.0, 2.0]).plain
    '▁▄█'
    """
    many = -(-len(values) // CURVE_LENGTH)
    chunks = [values[i : i + many] for i in range(0, len(values), many)]
    means = [sum(chunk) / len(chunk) for chunk in chunks]
    low, high = min(means), max(means)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0
    return Text(
        "".join(BARS[int((each - low) * scale)] for each in means), style="cyan"
    )
