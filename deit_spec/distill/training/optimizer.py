"""AdamW, and which parameters decay."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from deit_spec.recipe import Recipe

TABLES = ("cls_token", "dist_token", "pos_embed")
"""Parameters of more than one dimension that do not decay."""


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Whether a parameter decays.

    Biases, norms and layer scales do not, which have one dimension, nor do tokens
    and positions.
    """
    return parameter.ndim > 1 and name.rpartition(".")[2] not in TABLES


def groups(
    named: Iterable[tuple[str, nn.Parameter]], weight_decay: float
) -> list[dict[str, Any]]:
    """Put each trained parameter in one group: those that decay, and the others."""
    trained = [(name, each) for name, each in named if each.requires_grad]
    return [
        {
            "params": [each for name, each in trained if decays(name, each) is decay],
            "weight_decay": weight_decay if decay else 0.0,
        }
        for decay in (True, False)
    ]


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW over the trained parameters; the rate is set before every step."""
    settings = recipe.optimizer
    return torch.optim.AdamW(
        groups(model.named_parameters(), settings.weight_decay),
        lr=0.0,
        betas=settings.betas,
        eps=settings.eps,
        fused=True,  # one call for all parameters, on the CPU too
    )
