"""One step of the optimizer: the student, its teacher, the loss, the average."""

import copy
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from deit_spec.distill.losses import DistillationLoss, Outputs, Terms
from deit_spec.distill.training.average import Average
from deit_spec.distill.training.optimizer import make_optimizer
from deit_spec.distill.training.processes import Processes
from deit_spec.recipe import Recipe


class Learner:
    """The student as it learns.

    `model` is the student itself, whose parameters have their own names; `shared` is
    what is called, which may be DDP's or compiled; `twin` is what is evaluated where
    the model cannot be, for it is sharded, or should not be, for its average is.

    `sums` has the sums of the loss, of its two parts and the number of steps since
    the last `reset_means`; it stays on the device, so that no step waits for it.
    """

    def __init__(
        self,
        model: nn.Module,
        teacher: nn.Module | None,
        recipe: Recipe,
        processes: Processes,
    ) -> None:
        self.processes = processes
        self.parts = recipe.run.accumulate
        self.clip = recipe.optimizer.clip
        self.loss = make_loss(recipe)
        freeze_idle_head(model, self.loss)
        decay = recipe.run.ema
        apart = decay is not None or processes.sharded
        self.twin = copy.deepcopy(model).to(processes.device) if apart else None
        self.shared = processes.share(model)
        self.model = model
        self.teacher = teacher
        if recipe.run.compile:
            self.shared = compiled(self.shared)
            self.teacher = None if teacher is None else compiled(teacher)
        self.optimizer = make_optimizer(model, recipe)
        self.weights = list(model.parameters())
        self.trained = [each for each in self.weights if each.requires_grad]
        self.average = None if decay is None else Average(self.weights, decay)
        self.sums = torch.zeros(4, device=processes.device)
        self.grad_norm: Tensor | None = None

    def step(
        self, images: Tensor, labels: Tensor, rate: float, *, measure: bool = False
    ) -> None:
        """Take a step on this process's images `[b, C, S, S]` and their labels.

        The norm of the gradient is found where it is clipped or to be measured.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self._add_gradients(images, labels)
        if self.clip is not None or measure:
            limit = float("inf") if self.clip is None else self.clip
            self.grad_norm = clip_(self.trained, limit)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.average is not None:
            self.average.update()

    def _add_gradients(self, images: Tensor, labels: Tensor) -> None:
        for context, some_images, some_labels in self._parts(images, labels):
            share = len(some_images) / len(images)
            with context:
                terms = self._terms(some_images, some_labels)
                loss: Any = terms.loss if share == 1 else terms.loss * share
                loss.backward()
            self.sums[:3].add_(torch.stack(terms).detach(), alpha=share)
        self.sums[3] += 1

    def _parts(
        self, images: Tensor, labels: Tensor
    ) -> Iterator[tuple[AbstractContextManager[Any], Tensor, Tensor]]:
        """The parts of a step; gradients are shared by the processes at the last."""
        if self.parts == 1:
            yield nullcontext(), images, labels
            return
        chunks = list(
            zip(images.chunk(self.parts), labels.chunk(self.parts), strict=True)
        )
        for index, (some_images, some_labels) in enumerate(chunks):
            last = index == len(chunks) - 1
            context = nullcontext() if last else self.processes.no_sync(self.shared)
            yield context, some_images, some_labels

    def _terms(self, images: Tensor, labels: Tensor) -> Terms:
        with self.processes.autocast():
            outputs: Outputs = self.shared(images)
            said = None
            if self.teacher is not None:
                with torch.no_grad():
                    said = self.teacher(images, labels).float()
        return self.loss.terms(_as_float(outputs), labels, said)

    def means(self) -> list[float]:
        """The loss and its parts since the last reset, over all processes.

        The device is waited for. They are NaN where there was no step.
        """
        loss, labels, teacher, steps = self.processes.mean(self.sums).tolist()
        if not steps:
            return [float("nan")] * 3
        return [loss / steps, labels / steps, teacher / steps]

    def reset_means(self) -> None:
        """Begin the means anew."""
        self.sums.zero_()

    def result(self) -> Iterator[tuple[str, Tensor]]:
        """The weights that are evaluated and saved, whole, by name."""
        values = self.weights if self.average is None else self.average.values
        for (name, _), value in zip(self.model.named_parameters(), values, strict=True):
            yield name, whole(value)

    @torch.no_grad()
    def to_evaluate(self) -> nn.Module:
        """A model with these weights, each process having it whole."""
        if self.twin is None:
            return self.model
        for (_, value), parameter in zip(
            self.result(), self.twin.parameters(), strict=True
        ):
            parameter.copy_(value)
        return self.twin

    @torch.no_grad()
    def is_finite(self) -> bool:
        """Whether all weights are numbers. The device is waited for."""
        norms = torch._foreach_norm([local(each) for each in self.weights])  # noqa: SLF001
        finite = bool(torch.stack(norms).isfinite().all())
        return not self.processes.agree(wish=not finite)


def make_loss(recipe: Recipe) -> DistillationLoss:
    """The loss of a recipe."""
    settings = recipe.loss
    return DistillationLoss(
        settings.kind,
        alpha=settings.alpha,
        tau=settings.tau,
        label_smoothing=settings.label_smoothing,
    )


def freeze_idle_head(model: nn.Module, loss: DistillationLoss) -> None:
    """Keep a distillation head that learns from nobody as it is, without decay."""
    head = getattr(model, "head_dist", None)
    if loss.kind == "none" and isinstance(head, nn.Module):
        head.requires_grad_(requires_grad=False)


def compiled(module: nn.Module) -> nn.Module:
    """A module that runs as one graph."""
    made: Any = torch.compile(module)
    result: nn.Module = made
    return result


def local(tensor: Tensor) -> Tensor:
    """What this process holds of a tensor that may be sharded."""
    part: Tensor = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return part.detach()


def whole(tensor: Tensor) -> Tensor:
    """A tensor, put together where processes hold parts of it."""
    full: Tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
    return full.detach()


def clip_(parameters: list[nn.Parameter], limit: float) -> Tensor:
    """Scale gradients to a norm of at most this, and return what it was."""
    norm: Any = nn.utils.clip_grad_norm_(parameters, limit)
    full: Tensor = norm.full_tensor() if hasattr(norm, "full_tensor") else norm
    return full


def _as_float(outputs: Outputs) -> Outputs:
    if isinstance(outputs, Tensor):
        return outputs.float()
    cls, dist = outputs
    return cls.float(), dist.float()
