"""Gradient checkpointing: blocks are computed again instead of being stored."""

from functools import partial
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint


def checkpoint_blocks(model: nn.Module) -> None:
    """Store only the input of each block of a model, and compute the rest again.

    The gradients are the same to the bit: dropout and drop path draw the same numbers
    both times. See Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost".
    """
    blocks: Any = model.get_submodule("blocks")
    for block in blocks:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)
