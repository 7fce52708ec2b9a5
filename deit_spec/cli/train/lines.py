"""A run as plain lines, for logs and pipes."""

import time
from pathlib import Path
from typing import TextIO

from deit_spec.cli.train import words
from deit_spec.diagnostics.printable import visible
from deit_spec.distill.evaluation import Scores
from deit_spec.distill.training import Finished, Progress, Reporter, Start


class Lines(Reporter):
    """Writes a line for each thing that it is told, but for the many steps."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.start: Start | None = None
        self.began = 0.0

    def started(self, start: Start) -> None:
        """Say what is about to be done."""
        self.start, self.began = start, time.monotonic()
        for line in (words.student(start), words.images(start), words.plan(start)):
            self._write(line)

    def logged(self, progress: Progress) -> None:
        """Say the loss, the rate and the speed."""
        loss = f"loss {progress.loss:.4f}"
        if self.start is not None and self.start.teacher is not None:
            loss += f" (labels {progress.labels:.4f}, teacher {progress.teacher:.4f})"
        speed = f"{progress.images_per_second:,.0f} images/s"
        left = f"{words.clock(self._left(progress.step))} left"
        rate = f"lr {progress.lr:.2e}"
        self._write(f"{self._at(progress.step)}  {loss}, {rate}, {speed}, {left}")

    def evaluated(self, step: int, scores: Scores) -> None:
        """Say how often each head is right."""
        self._write(f"{self._at(step)}  top-1: {words.top1(scores)}")

    def saved(self, step: int, path: Path) -> None:
        """Say that there is a checkpoint."""
        self._write(f"{self._at(step)}  saved {path.name}")

    def said(self, message: str) -> None:
        """Pass it on."""
        self._write(visible(message))

    def finished(self, finished: Finished) -> None:
        """Say what there is now."""
        self._write(words.ended(finished))

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
