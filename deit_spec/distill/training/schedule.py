"""The learning rate of a step, and how many steps there are: numbers alone."""

import math
from dataclasses import dataclass

from deit_spec.recipe import Recipe
from deit_spec.recipe.rules.schedule_rules import EPOCHS, WARMUP_EPOCHS


@dataclass(frozen=True)
class Schedule:
    """A linear rise, then half a cosine: a pure function of the step.

    The first step has `warmup_lr`, the step after the warm-up `peak`; `min_lr` is
    what the cosine would come to one step after the last.
    """

    steps: int
    warmup: int
    peak: float
    warmup_lr: float = 0.0
    min_lr: float = 0.0

    def rate(self, step: int) -> float:
        """The rate of a step; the first is 0."""
        if step < self.warmup:
            return self.warmup_lr + (self.peak - self.warmup_lr) * step / self.warmup
        part = (step - self.warmup) / max(1, self.steps - self.warmup)
        height = (1 + math.cos(math.pi * min(part, 1.0))) / 2
        return self.min_lr + (self.peak - self.min_lr) * height


@dataclass(frozen=True)
class Timetable:
    """How many steps a run takes, and at which ones it does more than a step."""

    steps: int
    steps_per_epoch: int
    log_every: int
    evaluate_every: int
    checkpoint_every: int

    def logs(self, done: int) -> bool:
        """Whether a line of metrics is due after so many steps."""
        return self._due(done, self.log_every)

    def evaluates(self, done: int) -> bool:
        """Whether an evaluation is due after so many steps."""
        return self._due(done, self.evaluate_every)

    def saves(self, done: int) -> bool:
        """Whether a checkpoint is due after so many steps."""
        return self._due(done, self.checkpoint_every)

    def _due(self, done: int, every: int) -> bool:
        return done % every == 0 or done == self.steps

    def epoch(self, done: int) -> float:
        """How often all images have been seen after so many steps."""
        return done / self.steps_per_epoch


def timetable(recipe: Recipe, steps_per_epoch: int) -> Timetable:
    """When a recipe does what; `schedule.steps` goes before `schedule.epochs`."""
    plan, run = recipe.schedule, recipe.run
    steps = plan.steps or (plan.epochs or EPOCHS) * steps_per_epoch
    otherwise = steps if plan.steps else steps_per_epoch
    return Timetable(
        steps=steps,
        steps_per_epoch=steps_per_epoch,
        log_every=run.log_every,
        evaluate_every=run.evaluate_every or otherwise,
        checkpoint_every=run.checkpoint_every or otherwise,
    )


def schedule(recipe: Recipe, times: Timetable) -> Schedule:
    """The rates of a recipe; a warm-up longer than the run is as long as it."""
    plan = recipe.schedule
    warmup = plan.warmup_steps
    if warmup is None:
        epochs = WARMUP_EPOCHS if plan.warmup_epochs is None else plan.warmup_epochs
        warmup = round(epochs * times.steps_per_epoch)
    return Schedule(
        steps=times.steps,
        warmup=min(warmup, times.steps),
        peak=recipe.peak_lr,
        warmup_lr=plan.warmup_lr,
        min_lr=plan.min_lr,
    )
