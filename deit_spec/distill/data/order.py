"""Which images a step has."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from deit_spec.distill.seeds import generator_of


@dataclass(frozen=True)
class Order:
    """The images of each step, as a function of the step.

    Every epoch shuffles anew. With repeats (Hoffer et al., "Augment your batch",
    2020; the sampler of DeiT) an image stands `repeats` times in a row, so that
    neighbouring processes see other views of it, and an epoch, which is no longer
    for it, sees a part of the images. What is left over at the end of an epoch
    waits for another; where a batch is larger than all there is, images come again.
    """

    count: int
    batch_size: int
    repeats: int
    seed: int

    @property
    def steps(self) -> int:
        """The steps of an epoch."""
        return max(1, self.count // self.batch_size)

    def at(self, step: int) -> Tensor:
        """The images `[batch_size]` of a step, counted over all epochs from 0."""
        epoch, within = divmod(step, self.steps)
        places = torch.arange(self.batch_size) + within * self.batch_size
        return self.epoch(epoch)[places // self.repeats % self.count]

    def epoch(self, epoch: int) -> Tensor:
        """The images `[count]` as an epoch shuffles them."""
        return _shuffled(self.count, self.seed, epoch)


@lru_cache(maxsize=4)
def _shuffled(count: int, seed: int, epoch: int) -> Tensor:
    return torch.randperm(count, generator=generator_of(seed, "order", epoch))
