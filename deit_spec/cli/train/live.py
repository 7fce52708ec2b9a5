"""A run on a terminal: progress, the losses, and how right each head is."""

import time
from pathlib import Path
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from deit_spec.cli.train import words
from deit_spec.diagnostics.printable import visible
from deit_spec.distill.evaluation import Scores, heads_of
from deit_spec.distill.training import Finished, Progress, Reporter, Start
from deit_spec.recipe.run_files import HEADS

REFRESHES = 4
"""A second."""
BARS = "▁▂▃▄▅▆▇█"
RECENT = 40
"""How many lines of metrics a curve in a row shows."""
WIDEST = 100


class Display(Reporter):
    """Shows a run as it is, over the same few lines; what is said goes above them."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.start: Start | None = None
        self.began = time.monotonic()
        self.step = 0
        self.lines: list[Progress] = []
        self.scores: tuple[int, Scores] | None = None
        self.saved_step: int | None = None
        self.doing = "opening images, teacher and student"
        self.live = Live(
            get_renderable=self.render, console=console, refresh_per_second=REFRESHES
        )

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.doing = ""
        self.live.stop()

    def started(self, start: Start) -> None:
        """Begin the display."""
        self.start, self.step, self.began = start, start.first, time.monotonic()
        self.doing = ""

    def stepped(self, step: int) -> None:
        """Note it; the next refresh shows it."""
        self.step = step

    def logged(self, progress: Progress) -> None:
        """Note it."""
        self.lines.append(progress)

    def evaluated(self, step: int, scores: Scores) -> None:
        """Note it."""
        self.scores = (step, scores)

    def saved(self, step: int, path: Path) -> None:  # noqa: ARG002
        """Note it."""
        self.saved_step = step

    def said(self, message: str) -> None:
        """Print it above."""
        self.console.print(visible(message), markup=False)

    def finished(self, finished: Finished) -> None:
        """Leave the display as it is at the end, and say what there is now."""
        self.live.stop()
        self.console.print()
        self.console.print(words.ended(finished), markup=False)

    def render(self) -> RenderableType:
        """Lay out what is known."""
        if self.start is None:
            return Text(self.doing, style="dim")
        parts: list[RenderableType] = [
            Text(words.student(self.start), style="bold"),
            Text(words.images(self.start), style="dim"),
            Text(words.plan(self.start), style="dim"),
            self._progress(self.start),
        ]
        if self.lines:
            parts.append(self._losses(self.lines, self.start))
        if self.scores is not None:
            parts.append(self._heads(*self.scores))
        return Group(*parts)

    def _progress(self, start: Start) -> RenderableType:
        width = min(self.console.width, WIDEST)
        taken = self.step - start.first
        facts = [f"step {self.step:,}/{start.steps:,}"]
        facts.append(f"epoch {self.step / start.steps_per_epoch:,.1f}")
        if self.lines:
            facts.append(f"{self.lines[-1].images_per_second:,.0f} images/s")
        spent = time.monotonic() - self.began
        left = start.steps - self.step
        if left and taken:
            facts.append(f"{words.clock(spent / taken * left)} left")
        else:
            facts.append(words.clock(spent))
        if self.saved_step is not None:
            facts.append(f"saved at {self.saved_step:,}")
        bar = ProgressBar(total=start.steps, completed=self.step, width=width)
        # A bar alone would not end its line.
        return Group(Text(), Padding(bar, 0), Text("  ".join(facts)), Text())

    def _losses(self, lines: list[Progress], start: Start) -> RenderableType:
        table = _table("", "now", "so far")
        names = ("loss", "labels", "teacher") if start.teacher else ("loss",)
        for name in names:
            values = [getattr(line, name) for line in lines]
            table.add_row(name, f"{values[-1]:.4f}", _curve(values))
        table.add_row(
            "rate", f"{lines[-1].lr:.2e}", _curve([line.lr for line in lines])
        )
        return table

    def _heads(self, step: int, scores: Scores) -> RenderableType:
        table = _table(f"at step {step:,}", "top-1", "top-5", "NLL", "ECE")
        for name, head in heads_of(scores).items():
            shares = (f"{100 * share:.2f} %" for share in (head.top1, head.top5))
            figures = (f"{head.nll:.4f}", f"{head.ece:.4f}")
            table.add_row(HEADS[name], *shares, *figures)
        return Group(Text(), table)


def _table(first: str, *titles: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column(first, min_width=18, no_wrap=True)
    for title in titles:
        left = title.startswith("so")
        table.add_column(title, justify="left" if left else "right", no_wrap=True)
    return table


def _curve(values: list[float]) -> Text:
    """Draw numbers as a row of bars, means where there are many.

    >>> _curve([0.0, 1.0, 2.0]).plain
    '▁▄█'
    """
    many = -(-len(values) // RECENT)
    chunks = [values[i : i + many] for i in range(0, len(values), many)]
    means = [sum(chunk) / len(chunk) for chunk in chunks]
    low, high = min(means), max(means)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0
    return Text(
        "".join(BARS[int((each - low) * scale)] for each in means), style="cyan"
    )
