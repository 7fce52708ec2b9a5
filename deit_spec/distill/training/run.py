"""A run: its steps, and what is due between them."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from torch import Tensor

from deit_spec.distill.data import Data
from deit_spec.distill.evaluation import (
    Fusion,
    NoImagesError,
    Scores,
    evaluate,
    heads_of,
)
from deit_spec.distill.problems import DataError
from deit_spec.distill.training import checkpoint, problems
from deit_spec.distill.training.learner import Learner
from deit_spec.distill.training.log import Log, of_scores
from deit_spec.distill.training.processes import Processes
from deit_spec.distill.training.reporter import Progress, Reporter
from deit_spec.distill.training.schedule import Schedule, Timetable
from deit_spec.distill.training.seeds import seed_step
from deit_spec.distill.training.signals import Stop
from deit_spec.recipe import CheckedRecipe, Recipe, late

POLL = 10
"""Steps between the moments at which several processes agree whether to stop."""

NAMED = 5
"""How many unreadable images a message names."""


@dataclass
class Run:
    """A run under way; `done` counts the steps that have been taken."""

    checked: CheckedRecipe
    recipe: Recipe
    folder: Path
    data: Data
    learner: Learner
    fusion: Fusion
    times: Timetable
    rates: Schedule
    reporter: Reporter
    log: Log | None
    """None in all processes but the main one."""
    done: int = 0
    seconds: float = 0.0
    """Spent on steps, those before it was resumed included."""
    scores: Scores | None = None
    """Of the last evaluation since the run began or went on."""

    def __post_init__(self) -> None:
        # What is known before is in the log, and not told again.
        self.unreadable: list[str] = [] if self.log is None else self.log.unreadable
        self._logged = self._sound = self.done
        self._logged_seconds = self.seconds
        self._since = time.perf_counter()

    @property
    def processes(self) -> Processes:
        """The processes that share the run."""
        return self.learner.processes

    def go(self, stop: Stop) -> bool:
        """Take all steps that are left; False where it was asked to stop before.

        Raises:
            RunError: The loss is not finite, or something cannot be written.
        """
        self._since = time.perf_counter()
        mine = self.processes
        batches = self.data.train(
            self.done, self.times.steps, rank=mine.rank, world=mine.world
        )
        for batch in batches:
            self._step(batch.images, batch.labels)
            stopping = self._is_asked_to(stop)
            self._between(stopping=stopping)
            if stopping and self.done < self.times.steps:
                return False
        return True

    def _step(self, images: Tensor, labels: Tensor) -> None:
        step, device = self.done, self.processes.device
        seed_step(self.recipe.run.seed, step, self.processes.rank)
        self.learner.step(
            images.to(device, non_blocking=True),
            labels.to(device, non_blocking=True),
            self.rates.rate(step),
            measure=self.times.logs(step + 1),
        )
        self.done += 1
        self.reporter.stepped(self.done)

    def _between(self, *, stopping: bool) -> None:
        """Do what is due now that a step is done."""
        done, times = self.done, self.times
        if times.logs(done):
            self._tell()
        if times.evaluates(done):
            with self._aside():
                self.evaluate()
        if times.saves(done) or stopping:
            with self._aside():
                self._save()

    def _is_asked_to(self, stop: Stop) -> bool:
        asked = stop.signal is not None
        if self.processes.world == 1:
            return asked
        if self.done % POLL and self.done != self.times.steps:
            return False
        return self.processes.agree(wish=asked)

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Keep what is done within from counting as time of steps."""
        began = time.perf_counter()
        self.seconds += began - self._since
        yield
        self._since = time.perf_counter()

    def _tell(self) -> None:
        """Write a line of training, and begin the means anew."""
        (loss, labels, teacher), grad_norm = self._means()
        with self._aside():
            seconds = self.seconds - self._logged_seconds
            images = (self.done - self._logged) * self.recipe.schedule.batch_size
            progress = Progress(
                step=self.done,
                epoch=round(self.times.epoch(self.done), 4),
                lr=self.rates.rate(self.done - 1),
                loss=loss,
                labels=labels,
                teacher=teacher,
                grad_norm=grad_norm,
                images_per_second=round(images / seconds, 1),
                seconds=round(self.seconds, 3),
            )
            self._write(asdict(progress))
            self.reporter.logged(progress)
            self._logged, self._logged_seconds = self.done, self.seconds
            self.learner.reset_means()
            self._note_unreadable()

    def _means(self) -> tuple[list[float], float]:
        """The means since the last line and the last norm of the gradient: numbers.

        Raises:
            RunError: One of them is not finite.
        """
        means = self.learner.means()
        norm = self.learner.grad_norm
        grad_norm = 0.0 if norm is None else norm.item()
        if not all(map(math.isfinite, means)):
            self._refuse(f"the loss is {means[0]}")
        if not math.isfinite(grad_norm):
            self._refuse(f"the norm of the gradient is {grad_norm}")
        self._sound = self.done
        return means, grad_norm

    def _save(self) -> None:
        self._require_finite()
        with problems.writing(self.folder):
            path = checkpoint.save(self.learner, self.done, self.folder)
        self.reporter.saved(self.done, path)

    def _require_finite(self) -> None:
        """See that losses since the last line are numbers, and all weights.

        Raises:
            RunError: They are not.
        """
        if self._logged < self.done:
            self._means()
        if not self.learner.is_finite():
            self._refuse("a weight is no finite number")

    def _refuse(self, what: str) -> NoReturn:
        steps = (min(self._sound + 1, self.done), self.done)
        raise problems.not_finite(self.checked, what, steps, self.folder)

    def evaluate(self) -> Scores:
        """Score what would be written now, and write a line unless it stands there.

        Raises:
            RunError: The loss, a weight or a score is not finite.
            DataError: None of the images can be read.
        """
        self._require_finite()
        scores = self._scored()
        for name, head in heads_of(scores).items():
            if not math.isfinite(head.nll):
                self._refuse(f"the evaluation's NLL of {name} is {head.nll}")
        epoch = round(self.times.epoch(self.done), 4)
        line = {"step": self.done, "epoch": epoch, **of_scores(scores)}
        if self.log is not None and not self.log.has_scores(self.done):
            self._write(line)
        self.scores = scores
        self.reporter.evaluated(self.done, scores)
        self._note_unreadable()
        return scores

    def _scored(self) -> Scores:
        mine = self.processes
        try:
            return evaluate(
                self.learner.to_evaluate(),
                self.data.val(
                    self.recipe.schedule.batch_size, rank=mine.rank, world=mine.world
                ),
                fusion=self.fusion,
                device=mine.device,
                autocast=mine.autocast,
                reduce=mine.total,
            )
        except NoImagesError:
            names = mine.gather(self.data.unreadable)
            field = "data.folder" if self.recipe.data.folder else "data.dataset"
            images = self.data.val_count
            found = late.no_readable_val(self.checked, field, images, names)
            raise DataError((found,)) from None

    def _note_unreadable(self) -> None:
        """Say which images were skipped since it was said last; all processes call."""
        found = self.processes.gather(self.data.unreadable)
        new = [name for name in dict.fromkeys(found) if name not in self.unreadable]
        if not new:
            return
        self.unreadable += new
        self._write({"step": self.done, "unreadable": new})
        more = f" and {len(new) - NAMED} more" if len(new) > NAMED else ""
        shown = ", ".join(new[:NAMED]) + more
        many = "an image is" if len(new) == 1 else f"{len(new)} images are"
        self.reporter.said(f"{many} unreadable, and skipped: {shown}")

    def _write(self, line: Mapping[str, Any]) -> None:
        if self.log is not None:
            with problems.writing(self.folder):
                self.log.add(line)
