"""A teacher, whatever network it is."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812  -- as everyone writes it
from torch import Tensor, nn

SURE = 1e-8
"""The least probability that a label as a teacher gives a class: its logarithm has
to be a number."""


class View(NamedTuple):
    """How images come: what they are normalised with, and their side in pixels."""

    mean: Sequence[float]
    std: Sequence[float]
    size: int


class Made(NamedTuple):
    """A network, and how it wants its images; None is as the student's come."""

    network: nn.Module
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    size: int | None = None
    """The only side in pixels that it takes."""
    channels: int | None = None
    """How many it takes, where that is known without trying."""


class Teacher(nn.Module):
    """A frozen network that says what it sees in the student's images.

    It stays in evaluation mode, and no gradient goes through it. Images are
    normalised as it knows them, and resized to the side that it knows.

    Args:
        network: From images to logits `[B, T]`.
        student: How the student's images come.
        own: How the network wants them.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, network: nn.Module, *, student: View, own: View) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(requires_grad=False)
        self.classes = 0  # until it was asked
        self.size = own.size
        self.same = (*student.mean, *student.std) == (*own.mean, *own.std)
        ours, theirs = _columns(student), _columns(own)
        scale = ours[1] / theirs[1]
        self.register_buffer("scale", scale, persistent=False)
        shift = (ours[0] - theirs[0]) / theirs[1]
        self.register_buffer("shift", shift, persistent=False)
        self.training = False

    @torch.no_grad()
    def forward(self, images: Tensor, labels: Tensor) -> Tensor:  # noqa: ARG002
        """Give the logits `[B, T]` of the student's images `[B, C, S, S]`.

        The labels take no part, but with a teacher that is nothing else.
        """
        seen = images if self.same else images * self.scale + self.shift
        if images.shape[-1] != self.size:
            size = (self.size, self.size)
            seen = F.interpolate(seen, size, mode="bicubic", antialias=True)
        logits: Tensor = self.network(seen)
        return logits

    def train(self, mode: bool = True) -> "Teacher":  # noqa: ARG002, FBT001, FBT002
        """Stay in evaluation mode, whatever is asked for."""
        return self


class TrueLabels(Teacher):
    """The labels as a teacher: what a second token does without one."""

    def __init__(self, classes: int) -> None:
        nn.Module.__init__(self)
        self.classes = classes
        self.training = False

    @torch.no_grad()
    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Give logits `[B, T]` whose softmax are the labels, `[B]` or `[B, T]`."""
        if labels.ndim == 1:
            labels = F.one_hot(labels, self.classes)
        return labels.to(images.dtype).clamp_min(SURE).log()


def _columns(view: View) -> tuple[Tensor, Tensor]:
    """Mean and deviation, to broadcast over images."""
    columns: Any = (torch.tensor(part).view(-1, 1, 1) for part in view[:2])
    mean, std = columns
    return mean, std
