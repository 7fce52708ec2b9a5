"""A moving average of the weights."""

from collections.abc import Iterable

import torch
from torch import Tensor


class Average:
    """`average = decay * average + (1 - decay) * weights`, after every step.

    It begins as the weights it is given.
    """

    def __init__(self, weights: Iterable[Tensor], decay: float) -> None:
        self.weights = [each.detach() for each in weights]
        self.values = [each.clone() for each in self.weights]
        self.decay = decay

    @torch.no_grad()
    def update(self) -> None:
        """Move towards the weights as they are now."""
        torch._foreach_lerp_(self.values, self.weights, 1 - self.decay)
