"""One training step: forward, loss, backward, clipping, optimizer, average."""

import copy
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from deit_spec.distill.losses import DistillationLoss, Outputs, Terms
from deit_spec.distill.training.best_result import BestResult
from deit_spec.distill.training.frozen_parts import freeze
from deit_spec.distill.training.optimizer import Average, make_optimizer
from deit_spec.distill.training.processes import Processes
from deit_spec.recipe import Recipe


class TrainingStep:
    """The student with its teacher, loss and optimizer; `take` trains it one step.

    `wrapped` is the student to call, in DDP or compiled; `copy` is evaluated in place
    of a sharded or averaged one. `sums` has the sums of the loss and its two terms, and
    the number of steps, on the device, so that no step waits for it.
    """

    def __init__(
        self,
        model: nn.Module,
        teacher: nn.Module | None,
        recipe: Recipe,
        processes: Processes,
        class_weights: Tensor | None = None,
    ) -> None:
        self.processes = processes
        self.accumulate = recipe.run.accumulate
        self.clip = recipe.optimizer.clip
        self.loss = make_loss(recipe, class_weights).to(processes.device)
        freeze(model, recipe)
        decay = recipe.run.ema
        needs_copy = decay is not None or processes.sharded
        self.copy = copy.deepcopy(model).to(processes.device) if needs_copy else None
        if recipe.run.gradient_checkpointing:
            checkpoint_blocks(model)
        self.wrapped = processes.wrap(model)
        self.model = model
        self.teacher = teacher
        if recipe.run.compile:
            compiled: Any = torch.compile(self.wrapped)
            self.wrapped = compiled
            if teacher is not None:
                teacher.compile()
        self.optimizer = make_optimizer(model, recipe)
        self.weights = list(model.parameters())
        self.trained = [each for each in self.weights if each.requires_grad]
        self.average: Average | None = None
        if decay is not None:
            self.average = Average(self.trained, decay, warmup=recipe.run.ema_warmup)
        run = recipe.run
        self.best: BestResult | None = None
        if run.compares_evaluations:
            kept = self._values() if run.keep == "best" else ()
            self.best = BestResult([whole(each) for each in kept])
        self.sums = torch.zeros(4, device=processes.device)
        self.grad_norm: Tensor | None = None

    def take(
        self, images: Tensor, labels: Tensor, rate: float, *, measure: bool = False
    ) -> None:
        """Train on normalised images `[b, C, S, S]` and labels `[b]` or `[b, K]`.

        `rate` is the learning rate of the heads, which have no layer decay.
        `measure` says to compute the norm of the gradient even if it is not clipped.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["lr_scale"]
        self._add_gradients(images, labels)
        if self.clip is not None or measure:
            limit = float("inf") if self.clip is None else self.clip
            norm: Any = nn.utils.clip_grad_norm_(self.trained, limit)
            self.grad_norm = whole(norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.average is not None:
            self.average.update()

    def _add_gradients(self, images: Tensor, labels: Tensor) -> None:
        count = self.accumulate
        parts = list(zip(images.chunk(count), labels.chunk(count), strict=True))
        for number, (some_images, some_labels) in enumerate(parts, 1):
            # Processes share their gradients at the last part.
            is_last = number == len(parts)
            context = nullcontext() if is_last else self.processes.no_sync(self.wrapped)
            share = len(some_images) / len(images)
            with context:
                terms = self._terms(some_images, some_labels)
                loss: Any = terms.loss if share == 1 else terms.loss * share
                loss.backward()
            self.sums[:3].add_(torch.stack(terms).detach(), alpha=share)
        self.sums[3] += 1

    def _terms(self, images: Tensor, labels: Tensor) -> Terms:
        with self.processes.autocast():
            outputs: Outputs = self.wrapped(images)
            target = None
            if self.teacher is not None:
                with torch.no_grad():
                    target = self.teacher(images, labels).float()
        if isinstance(outputs, Tensor):
            return self.loss.terms(outputs.float(), labels, target)
        cls, dist = outputs
        return self.loss.terms((cls.float(), dist.float()), labels, target)

    def means(self) -> list[float]:
        """The loss and its terms since `sums` was zero; NaN if there was no step."""
        loss, labels, teacher, steps = self.processes.mean(self.sums).tolist()
        if not steps:
            return [float("nan")] * 3
        return [loss / steps, labels / steps, teacher / steps]

    def result(self) -> Iterator[tuple[str, Tensor]]:
        """The current weights to evaluate and to save, by name."""
        named = self.model.named_parameters()
        for (name, _), value in zip(named, self._values(), strict=True):
            yield name, whole(value)

    def kept(self) -> Iterator[tuple[str, Tensor]]:
        """The weights to save as the result, by name: the best, or the current."""
        if self.best is None or not self.best.weights or not self.best.step:
            yield from self.result()
            return
        named = self.model.named_parameters()
        for (name, _), value in zip(named, self.best.weights, strict=True):
            yield name, value

    def _values(self) -> list[Tensor]:
        if self.average is None:
            return list(self.weights)
        averaged = iter(self.average.values)
        return [next(averaged) if each.requires_grad else each for each in self.weights]

    @torch.no_grad()
    def model_to_evaluate(self) -> nn.Module:
        """A model with these weights, complete in each process."""
        if self.copy is None:
            return self.model
        parameters = self.copy.parameters()
        for (_, value), parameter in zip(self.result(), parameters, strict=True):
            parameter.copy_(value)
        return self.copy

    @torch.no_grad()
    def is_finite(self) -> bool:
        """Whether all weights are finite. This waits for the device."""
        local = [getattr(each, "to_local", each.detach)() for each in self.weights]
        norms = torch._foreach_norm([each.detach() for each in local])  # noqa: SLF001
        finite = bool(torch.stack(norms).isfinite().all())
        return not self.processes.any(not finite)


def make_loss(recipe: Recipe, class_weights: Tensor | None = None) -> DistillationLoss:
    """The loss of a recipe, with the weights `[K]` of the classes."""
    settings = recipe.loss.model_dump(exclude={"class_weights"})
    return DistillationLoss(**settings, class_weights=class_weights)


def checkpoint_blocks(model: nn.Module) -> None:
    """Store only the input of each block of a model, and compute the rest again.

    The gradients are the same to the bit: dropout and drop path draw the same numbers
    both times. See Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost".
    """
    blocks: Any = model.get_submodule("blocks")
    for block in blocks:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)


def whole(tensor: Tensor) -> Tensor:
    """A tensor, gathered if it is sharded over processes."""
    full: Tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
    return full.detach()
