"""Shows the progress of runs and studies: lines and, on a terminal, a progress bar."""

import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from rich import progress as rich_progress
from rich.console import RenderableType
from rich.text import Text

from deit_spec.cli.output import make_console
from deit_spec.diagnostics import Diagnostic
from deit_spec.diagnostics.printable import counted, visible
from deit_spec.diagnostics.text import render
from deit_spec.distill.evaluation import HeadScores, Scores, heads_of
from deit_spec.distill.study import Result
from deit_spec.distill.training import Finished, Progress, Reporter, RunError, Start
from deit_spec.recipe.run_files import CURVES, HEADS, SUMMARY, WEIGHTS


class ProgressBar(rich_progress.Progress):
    """A progress bar, with a line of text below it unless that is empty."""

    text = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bar, and the line below it."""
        yield from super().get_renderables()
        if self.text:
            yield Text(self.text)


def progress_bar(*, enabled: bool = True) -> ProgressBar:
    """A progress bar on standard error, if that is a terminal."""
    console = make_console(stderr=True)
    return ProgressBar(
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TimeElapsedColumn(),
        rich_progress.TextColumn("left"),
        rich_progress.TimeRemainingColumn(elapsed_when_finished=False),
        console=console,
        disable=not (enabled and console.is_terminal),
    )


class _Lines:
    """Prints lines above a progress bar."""

    def __init__(self, bar: ProgressBar, description: str) -> None:
        self.bar = bar
        self.task = bar.add_task(description, total=None)

    def write(self, line: str) -> None:
        """Print a line; a control character in it is shown as a symbol."""
        console = self.bar.console
        # A terminal would break a long line within a word.
        console.print(visible(line), soft_wrap=not console.is_terminal)

    def warned(self, warning: Diagnostic) -> None:
        """Print a warning as `validate` does."""
        self.bar.console.print(render([warning], width=self.bar.console.width))


class RunProgress(_Lines, Reporter):
    """Writes a line for each event of a run but the steps, which move the bar."""

    start: Start
    began: float

    def __init__(self, bar: ProgressBar) -> None:
        super().__init__(bar, "opening images, teacher and student")
        self.last: float | None = None
        self.best: tuple[int, float] | None = None
        self.teacher: float | None = None

    def teaching(self, step: int, steps: int) -> None:
        """Move the bar; write that the teacher is trained, as this takes a while."""
        if step == 1:
            self.write(
                f"training digits_convnet, the teacher: {counted(steps, 'step')}"
            )
            self.bar.reset(self.task, total=steps, description="teacher")
        self.bar.update(self.task, completed=step)

    def started(self, start: Start) -> None:
        """Write what is trained."""
        self.start, self.began, self.best = start, time.monotonic(), start.best
        teacher = "no teacher"
        if start.teacher is not None:
            teacher = f"{start.loss} distillation from {start.teacher}"
        count = f"{start.parameters:,} parameters"
        if start.trained < start.parameters:
            count += f", {start.trained:,} of them trained"
        self.write(f"{start.student}: {count}, {teacher}")
        images = f"{start.train_images:,} images to train on"
        held_out = f"{start.val_images:,} held out"
        self.write(f"{images}, {held_out}, {start.classes:,} classes")
        size = counted(start.batch_size, "image")
        processes = "" if start.processes == 1 else f", {start.processes} processes"
        resumed = "" if not start.first else f", resumed after step {start.first:,}"
        where = f"{start.device}{processes}{resumed}"
        self.write(f"{counted(start.steps, 'step')} of {size} on {where}")
        left = start.steps - start.first
        self.bar.reset(self.task, total=left, description="steps")
        self._show_scores()

    def stepped(self, step: int) -> None:
        """Move the bar."""
        self.bar.update(self.task, completed=step - self.start.first)

    def logged(self, progress: Progress) -> None:
        """Write the loss, the learning rate and the speed."""
        loss = f"loss {progress.loss:.4f}"
        if self.start.teacher is not None:
            loss += f" (labels {progress.labels:.4f}, teacher {progress.teacher:.4f})"
        speed = f"{progress.images_per_second:,.0f} images/s"
        done = max(1, progress.step - self.start.first)
        each = (time.monotonic() - self.began) / done
        left = timedelta(seconds=round(each * (self.start.steps - progress.step)))
        rate = f"lr {progress.lr:.2e}"
        self._write_at(progress.step, f"{loss}, {rate}, {speed}, {left} left")

    def evaluated(self, step: int, scores: Scores) -> None:
        """Write the accuracy of each head."""
        shares = (
            f"{HEADS[name]} {_percent(head.top1)}"
            for name, head in heads_of(scores).items()
        )
        self._write_at(step, f"top-1: {', '.join(shares)}")
        self.last = top1 = scores.answer.top1
        if self.best is None or top1 > self.best[1]:
            self.best = step, top1
        self._show_scores()

    def teacher_evaluated(self, scores: HeadScores) -> None:
        """Write the accuracy of the teacher."""
        self.teacher = scores.top1
        self.write(f"the teacher's top-1: {_percent(scores.top1)}")
        self._show_scores()

    def saved(self, step: int, path: Path) -> None:
        """Write the name of a checkpoint."""
        self._write_at(step, f"saved {path.name}")

    def said(self, message: str) -> None:
        """Write a message."""
        self.write(message)

    def finished(self, finished: Finished) -> None:
        """Write the names of the results."""
        self.write(summarise_end(finished))

    def _show_scores(self) -> None:
        """Show the last and the best score, and the teacher's, below the bar."""
        parts = []
        if self.last is not None:
            parts.append(f"top-1 {_percent(self.last)}")
        if self.best is not None:
            step, top1 = self.best
            parts.append(f"best {_percent(top1)} after step {step:,}")
        if self.teacher is not None:
            parts.append(f"teacher {_percent(self.teacher)}")
        self.bar.text = ", ".join(parts)

    def _write_at(self, step: int, text: str) -> None:
        total = self.start.steps
        self.write(f"step {step:>{len(str(total))}}/{total}  {text}")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def summarise_end(finished: Finished) -> str:
    """The files that a run has written."""
    names = (WEIGHTS, CURVES, SUMMARY)
    written = [name for name in names if (finished.folder / name).exists()]
    return f"wrote {finished.folder}: {', '.join(written)}"


class StudyProgress(_Lines):
    """Writes a line for each run of a study."""

    def __init__(self, bar: ProgressBar) -> None:
        super().__init__(bar, "runs")
        self.planned = self.done = 0

    def begun(self, planned: int, done: int, stale: int) -> None:
        """Write how many runs there are."""
        self.planned, self.done = planned, done
        text = counted(planned, "run")
        if done:
            text += f", {done} of them already finished"
        if stale:
            text += f"; {stale} older results are of other recipes and were left out"
        self.write(text)
        # Earlier runs are left out of the estimated time.
        self.bar.reset(self.task, total=planned - done)

    def teaching(self, done: int, teachers: int) -> None:
        """Show how many teachers are ready."""
        if done == teachers:
            self.write(counted(teachers, "teacher"))
            self.bar.update(self.task, description="runs")
        else:
            text = f"teachers {done} of {teachers}, runs"
            self.bar.update(self.task, description=text)

    def finished(self, result: Result) -> None:
        """Write the result of a run."""
        self.done += 1
        number = f"{self.done:{len(str(self.planned))}}/{self.planned}"
        self.write(
            f"{number} {result.arm}, {result.images:,} images, seed {result.seed}: "
            f"{100 * result.answer.top1:.2f} % in {result.seconds:.1f} s"
        )
        self.bar.advance(self.task)

    def failed(self, run: str, error: RunError) -> None:
        """Write the error of a run."""
        self.write(f"{run} failed: {error.diagnostics[0].message}")
        self.bar.advance(self.task)
