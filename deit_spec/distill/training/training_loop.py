"""The loop of a run: its steps, and the logs, evaluations and checkpoints between."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from torch import Tensor, nn

from deit_spec.diagnostics.printable import listed
from deit_spec.distill import runtime_errors as errors
from deit_spec.distill.data import Data
from deit_spec.distill.evaluation import (
    Fusion,
    HeadScores,
    NoImagesError,
    Scores,
    evaluate,
    heads_of,
)
from deit_spec.distill.runtime_errors import recipe_of, writing
from deit_spec.distill.seeds import seed_all
from deit_spec.distill.teachers.teacher import Teacher, TrueLabels
from deit_spec.distill.training.batch_picture import draw_batch
from deit_spec.distill.training.metrics_log import MetricsLog, score_fields
from deit_spec.distill.training.optimizer import Schedule
from deit_spec.distill.training.processes import Processes, StopSignal
from deit_spec.distill.training.reporter import Progress, Reporter
from deit_spec.distill.training.trackers import Trackers
from deit_spec.distill.training.training_checkpoint import save_checkpoint
from deit_spec.distill.training.training_step import TrainingStep
from deit_spec.recipe import CheckedRecipe

STOP_EVERY = 10
"""Steps after which several processes agree whether to stop."""


@dataclass
class TrainingLoop:
    """A run in progress; `done` counts the steps that have been taken."""

    checked: CheckedRecipe
    folder: Path
    data: Data
    training: TrainingStep
    schedule: Schedule
    reporter: Reporter
    log: MetricsLog | None
    """None in all processes but the main one."""
    trackers: Trackers
    """None are started in all processes but the main one."""
    done: int = 0
    seconds: float = 0.0
    """The time of all steps, including those before the run was resumed."""
    scores: Scores | None = None
    """Of the last evaluation in this process."""

    def __post_init__(self) -> None:
        # The images in the log have been reported before.
        self.unreadable: list[str] = [] if self.log is None else self.log.unreadable
        self._logged = self.done
        self._logged_seconds = self.seconds
        self._since = time.perf_counter()

    @property
    def processes(self) -> Processes:
        """The processes that share the run."""
        return self.training.processes

    def run(self, stop: StopSignal) -> bool:
        """Take the steps that are left; return False if a signal stopped it before."""
        self._since = time.perf_counter()
        mine, last = self.processes, self.schedule.steps
        if self._has_converged():
            what = f"the run stopped early after step {self.done:,}"
            self._report_convergence(what, "; more steps do not continue it")
            return True
        batches = self.data.train(
            self.done, last, rank=mine.rank, world=mine.world, device=mine.device
        )
        for batch in batches:
            self._step(batch.images, batch.labels)
            stopping = self._is_stopped(stop)
            if self.schedule.is_due(self.done, self.schedule.log_every):
                self._log_progress()
            if self.schedule.is_due(self.done, self.schedule.evaluate_every):
                with self._paused_clock():
                    self.evaluate()
            ends = self._has_converged()
            if ends:
                self._end_early()
            saves = self.schedule.is_due(self.done, self.schedule.checkpoint_every)
            if saves or stopping or ends:
                with self._paused_clock():
                    self._save()
            if ends:
                return True
            if stopping and self.done < self.schedule.steps:
                return False
        return True

    def _has_converged(self) -> bool:
        """Whether the recipe's number of evaluations had no better top-1."""
        best, patience = self.training.best, recipe_of(self.checked).run.patience
        return best is not None and patience is not None and best.misses >= patience

    def _end_early(self) -> None:
        """Write the last training line, and say why training stops early."""
        if self._logged < self.done:
            self._log_progress()
        self._report_convergence("stopping early")

    def _report_convergence(self, what: str, then: str = "") -> None:
        """Say why training ends before its last step."""
        best = self.training.best
        assert best is not None  # noqa: S101  -- it has converged
        if self.done < self.schedule.steps:
            self.reporter.said(
                f"{what}: top-1 has not improved for "
                f"{best.misses} {'evaluation' if best.misses == 1 else 'evaluations'}, "
                f"since step {best.step:,}{then}"
            )

    def _step(self, images: Tensor, labels: Tensor) -> None:
        step, mine = self.done, self.processes
        if not step and self.trackers:
            with self._paused_clock():
                picture = draw_batch(images, labels, self.data)
                self.trackers.log_picture("first batch", picture, step + 1)
        seed_all(recipe_of(self.checked).run.seed, "step", step, mine.rank)
        self.training.take(
            images,
            labels,
            self.schedule.rate(step),
            measure=self.schedule.is_due(step + 1, self.schedule.log_every),
        )
        self.done += 1
        self.reporter.stepped(self.done)

    def _is_stopped(self, stop: StopSignal) -> bool:
        stopped = stop.signal is not None
        if self.processes.world == 1:
            return stopped
        if self.done % STOP_EVERY and self.done != self.schedule.steps:
            return False
        return self.processes.any(stopped)

    @contextmanager
    def _paused_clock(self) -> Iterator[None]:
        """Do not count the time of the block as time of steps."""
        self.seconds += time.perf_counter() - self._since
        yield
        self._since = time.perf_counter()

    def _log_progress(self) -> None:
        """Write a training line, and start new means."""
        (loss, labels, teacher), grad_norm = self._finite_means()
        with self._paused_clock():
            seconds = self.seconds - self._logged_seconds
            steps = self.done - self._logged
            images = steps * recipe_of(self.checked).schedule.batch_size
            progress = Progress(
                step=self.done,
                epoch=round(self.schedule.epoch(self.done), 4),
                lr=self.schedule.rate(self.done - 1),
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
            self.training.sums.zero_()
            self._report_unreadable()

    def _finite_means(self) -> tuple[list[float], float]:
        """The means since the last line, and the last norm of the gradient."""
        means = self.training.means()
        norm = self.training.grad_norm
        grad_norm = 0.0 if norm is None else norm.item()
        if not all(map(math.isfinite, means)):
            self._stop_not_finite(f"the loss is {means[0]}")
        if not math.isfinite(grad_norm):
            self._stop_not_finite(f"the norm of the gradient is {grad_norm}")
        return means, grad_norm

    def _require_finite(self) -> None:
        """Check the losses since the last line, and all weights."""
        if self._logged < self.done:
            self._finite_means()
        if not self.training.is_finite():
            self._stop_not_finite("a weight is not finite")

    def _stop_not_finite(self, what: str) -> NoReturn:
        raise errors.not_finite(self.checked, what, self.done, self.folder)

    def _save(self) -> None:
        self._require_finite()
        with writing(self.folder):
            path = save_checkpoint(self.training, self.done, self.folder)
        self.reporter.saved(self.done, path)

    def evaluate(self) -> Scores:
        """Score the current result, and write a line unless the log has it."""
        self._require_finite()
        fusion = errors.student_of(self.checked).fusion
        scores = self._evaluate(self.training.model_to_evaluate(), fusion)
        for name, head in heads_of(scores).items():
            if not math.isfinite(head.nll):
                self._stop_not_finite(f"the NLL of {name} in evaluation is {head.nll}")
        epoch = round(self.schedule.epoch(self.done), 4)
        if self.log is not None and not self.log.has_scores(self.done):
            self._write({"step": self.done, "epoch": epoch, **score_fields(scores)})
        self.scores = scores
        if self.training.best is not None:
            result = (value for _, value in self.training.result())
            self.training.best.update(self.done, scores, result)
        self._report_teacher()
        self.reporter.evaluated(self.done, scores)
        self._report_unreadable()
        return scores

    def final_scores(self) -> Scores:
        """The scores of the weights to save; they are computed if there are none."""
        best = self.training.best
        if best is not None and best.weights and best.scores:
            return best.scores
        return self.scores or self.evaluate()

    def _report_teacher(self) -> None:
        """Score the teacher, and report it, the first time that this is called."""
        is_first = "teacher_scores" not in vars(self)
        if (scores := self.teacher_scores) and is_first:
            self.reporter.teacher_evaluated(scores)

    @cached_property
    def teacher_scores(self) -> HeadScores | None:
        """The scores of the teacher; None if its classes are not those of the data."""
        teacher, classes = self.training.teacher, len(self.data.classes)
        if not isinstance(teacher, Teacher) or isinstance(teacher, TrueLabels):
            return None
        if teacher.classes != classes:
            return None
        return self._evaluate(teacher, "cls").cls

    def _evaluate(self, model: nn.Module, fusion: Fusion) -> Scores:
        recipe, mine = recipe_of(self.checked), self.processes
        size = recipe.schedule.batch_size
        batches = self.data.val(size, rank=mine.rank, world=mine.world)
        try:
            return evaluate(
                model,
                batches,
                fusion=fusion,
                device=mine.device,
                autocast=mine.autocast,
                reduce=mine.total,
            )
        except NoImagesError:
            names = mine.gather(self.data.unreadable)
            raise errors.data_error(
                self.checked,
                "data",
                "DS524",
                f"all {self.data.val_count:,} held-out images are unreadable",
                label="there is nothing to evaluate on",
                notes=[f"unreadable: {listed(names)}"],
                help_="fix the files, or hold out others",
            ) from None

    def _report_unreadable(self) -> None:
        """Report the images skipped since the last report; all processes call this."""
        found = self.processes.gather(self.data.unreadable)
        new = [name for name in dict.fromkeys(found) if name not in self.unreadable]
        if not new:
            return
        self.unreadable += new
        self._write({"step": self.done, "unreadable": new})
        count = "1 image is" if len(new) == 1 else f"{len(new)} images are"
        self.reporter.said(f"{count} unreadable and skipped: {listed(new)}")

    def _write(self, line: Mapping[str, Any]) -> None:
        if self.log is not None:
            with writing(self.folder):
                self.log.add(line)
            self.trackers.log(line)
