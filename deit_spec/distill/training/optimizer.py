"""The optimizer, the schedule of a run, and the moving average of the weights."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deit_spec.distill.optional_packages import require_packages
from deit_spec.recipe import Recipe
from deit_spec.recipe.rules.schedule_rules import EPOCHS, WARMUP_EPOCHS
from deit_spec.weights.naming_schemes import HEADS

WITHOUT_DECAY = ("cls_token", "dist_token", "pos_embed")
"""Parameters of more than one dimension that have no weight decay."""


def require_optimizer(recipe: Recipe) -> None:
    """Import the package that has the optimizer of a recipe.

    Raises:
        MissingPackageError: timm, which has LAMB, is not installed.
    """
    if recipe.optimizer.name == "lamb":
        require_packages("runs with LAMB", "timm")


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimizer of the trained parameters; the rate is set before every step."""
    settings = recipe.optimizer
    named = model.named_parameters()
    groups = parameter_groups(named, settings.weight_decay, settings.layer_decay)
    # `fused` makes one call for all parameters, on the CPU too. FSDP2 cannot shard the
    # momentum of fused SGD.
    match settings.name:
        case "adamw":
            return torch.optim.AdamW(
                groups, lr=0.0, betas=settings.betas, eps=settings.eps, fused=True
            )
        case "sgd":
            momentum = settings.momentum
            return torch.optim.SGD(
                groups, lr=0.0, momentum=momentum, nesterov=momentum > 0, foreach=True
            )
        case "lamb":
            return _make_lamb(groups, settings.betas, settings.eps)


def _make_lamb(
    groups: list[dict[str, Any]], betas: tuple[float, float], eps: float
) -> torch.optim.Optimizer:
    """LAMB (You et al. 2020) of timm, which does not clip the gradient itself."""
    from timm.optim import Lamb  # noqa: PLC0415  -- of the extra `train`

    made: torch.optim.Optimizer = Lamb(
        groups, lr=0.0, betas=betas, eps=eps, max_grad_norm=None
    )
    return made


def parameter_groups(
    named: Iterable[tuple[str, nn.Parameter]],
    weight_decay: float,
    layer_decay: float | None = None,
) -> list[dict[str, Any]]:
    """Group the trained parameters by weight decay and by the scale of their rate.

    `lr_scale` is `layer_decay` to the power of the number of layers between a layer
    and the heads, as in BEiT (Bao et al. 2021) and timm's `param_groups_layer_decay`.
    """
    parameters = dict(named)
    layers, groups = _layers(parameters), dict[tuple[int, bool], dict[str, Any]]()
    last = max(layers.values(), default=0)
    for name, parameter in parameters.items():
        if not parameter.requires_grad:
            continue
        layer = last if layer_decay is None else layers[name]
        key = layer, decays(name, parameter)
        if key not in groups:
            groups[key] = {
                "params": [],
                "weight_decay": weight_decay if key[1] else 0.0,
                "lr_scale": 1.0
                if layer_decay is None
                else layer_decay ** (last - layer),
            }
        groups[key]["params"].append(parameter)
    return list(groups.values())


def _layers(names: Iterable[str]) -> dict[str, int]:
    """The layer of each parameter: 0 for tokens, positions and patches, then blocks.

    The final norm is in the layer of the last block, and the heads are in the next.
    """
    names = list(names)
    blocks = {
        name: 1 + int(name.split(".")[1])
        for name in names
        if name.startswith("blocks.")
    }
    last = max(blocks.values(), default=0)
    layers = dict.fromkeys(names, 0) | blocks
    layers |= {name: last for name in names if name.startswith("norm.")}
    return layers | {name: last + 1 for name in names if name.startswith(HEADS)}


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
