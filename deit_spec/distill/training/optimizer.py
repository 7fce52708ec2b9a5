"""AdamW, the schedule of a run, and the moving average of the weights."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deit_spec.recipe import Recipe
from deit_spec.recipe.rules.schedule_rules import EPOCHS, WARMUP_EPOCHS

WITHOUT_DECAY = ("cls_token", "dist_token", "pos_embed")
"""Parameters of more than one dimension that have no weight decay."""


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW over the trained parameters; the rate is set before every step."""
    settings = recipe.optimizer
    return torch.optim.AdamW(
        parameter_groups(model.named_parameters(), settings.weight_decay),
        lr=0.0,
        betas=settings.betas,
        eps=settings.eps,
        fused=True,  # one call for all parameters, on the CPU too
    )


def parameter_groups(
    named: Iterable[tuple[str, nn.Parameter]], weight_decay: float
) -> list[dict[str, Any]]:
    """Put the trained parameters in two groups: with weight decay, and without."""
    trained = [(name, each) for name, each in named if each.requires_grad]
    return [
        {
            "params": [each for name, each in trained if decays(name, each) is decay],
            "weight_decay": weight_decay if decay else 0.0,
        }
        for decay in (True, False)
    ]


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Whether a parameter has weight decay: not biases, norms, tokens and positions."""
    return parameter.ndim > 1 and name.rpartition(".")[2] not in WITHOUT_DECAY


class Average:
    """An exponential moving average: `decay * average + (1 - decay) * weights`.

    With warm-up, the decay of update n is at most `1 - n ** (-2 / 3)`, as in timm's
    `ModelEmaV3`: 0 at first, 0.9 in update 32, 0.99 in update 1,000.
    """

    def __init__(
        self, weights: Iterable[Tensor], decay: float, *, warmup: bool = False
    ) -> None:
        self.weights = [each.detach() for each in weights]
        self.values = [each.clone() for each in self.weights]
        self.decay = decay
        self.warmup = warmup
        self.updates = 0

    @torch.no_grad()
    def update(self) -> None:
        """Move towards the current weights."""
        self.updates += 1
        decay = self.decay
        if self.warmup:
            decay = min(decay, 1 - self.updates ** (-2 / 3))
        torch._foreach_lerp_(self.values, self.weights, 1 - decay)


@dataclass(frozen=True)
class Schedule:
    """The learning rate of each step, and when a run logs, evaluates and saves.

    The rate is a linear warm-up from `warmup_lr` to `peak`, then half a cosine that
    would reach `min_lr` one step after the last.
    """

    steps: int
    warmup: int
    peak: float
    warmup_lr: float = 0.0
    min_lr: float = 0.0
    steps_per_epoch: int = 1
    log_every: int = 1
    evaluate_every: int = 1
    checkpoint_every: int = 1

    def rate(self, step: int) -> float:
        """The rate of a step, counted from 0."""
        if step < self.warmup:
            return self.warmup_lr + (self.peak - self.warmup_lr) * step / self.warmup
        part = (step - self.warmup) / max(1, self.steps - self.warmup)
        height = (1 + math.cos(math.pi * min(part, 1.0))) / 2
        return self.min_lr + (self.peak - self.min_lr) * height

    def is_due(self, done: int, every: int) -> bool:
        """Whether what is done every so many steps, and at the end, is due."""
        return done % every == 0 or done == self.steps

    def epoch(self, done: int) -> float:
        """The epochs done after so many steps."""
        return done / self.steps_per_epoch


def make_schedule(recipe: Recipe, steps_per_epoch: int) -> Schedule:
    """The schedule of a recipe; its warm-up is never longer than the run."""
    settings, run = recipe.schedule, recipe.run
    steps = settings.steps or (settings.epochs or EPOCHS) * steps_per_epoch
    default = steps if settings.steps else steps_per_epoch
    warmup = settings.warmup_steps
    if warmup is None:
        epochs = settings.warmup_epochs
        epochs = WARMUP_EPOCHS if epochs is None else epochs
        warmup = round(epochs * steps_per_epoch)
    return Schedule(
        steps=steps,
        warmup=min(warmup, steps),
        peak=recipe.peak_lr,
        warmup_lr=settings.warmup_lr,
        min_lr=settings.min_lr,
        steps_per_epoch=steps_per_epoch,
        log_every=run.log_every,
        evaluate_every=run.evaluate_every or default,
        checkpoint_every=run.checkpoint_every or default,
    )
