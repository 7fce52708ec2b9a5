"""Measure how well maps show what a model depends on: insertion and deletion.

Petsiuk, Das and Saenko, "RISE: Randomized input sampling for explanation of black-box
models", BMVC 2018, section 4.2.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812  -- as everyone writes it
from torch import Tensor, nn

from deit_spec.attention.attention_maps import AttentionReader, Token, logits_of

STEPS: Final = 49
"""The number of steps in which patches change; fewer if there are fewer patches."""


class AttributionScores(NamedTuple):
    """The mean areas under both curves, from 0 to 1."""

    insertion: float
    deletion: float


def mean_scores(
    model: nn.Module,
    reader: AttentionReader,
    batches: Iterable[Tensor],
    tokens: Sequence[Token],
    category: int | None = None,
) -> tuple[dict[Token, AttributionScores], int]:
    """The scores of the maps of some tokens, and the number of images.

    `model` returns logits, for inputs `[B, C, S, S]`. The class of each image is
    `category`, or what the head of the token predicts.

    Raises:
        ValueError: The model has no such token or class.
    """
    areas: dict[Token, list[Tensor]] = {token: [] for token in tokens}
    count = 0
    for inputs in batches:
        count += len(inputs)
        found = reader.read(inputs, tokens, category)
        for token, maps in found.maps.items():

            def probabilities(images: Tensor, token: Token = token) -> Tensor:
                return logits_of(model(images), token).softmax(dim=1)

            chosen = logits_of(found.output, token).argmax(dim=1)
            if category is not None:
                chosen = torch.full_like(chosen, category)
            pair = insertion_and_deletion(probabilities, inputs, maps, chosen)
            areas[token].append(torch.stack(pair))
    if not count:
        return {}, 0
    return {
        token: AttributionScores(*torch.cat(each, dim=1).mean(dim=1).tolist())
        for token, each in areas.items()
    }, count


@torch.no_grad()
def insertion_and_deletion(
    probabilities: Callable[[Tensor], Tensor],
    images: Tensor,
    maps: Tensor,
    categories: Tensor,
) -> tuple[Tensor, Tensor]:
    """The areas under both curves of each image, `[B]` and `[B]`, from 0 to 1.

    Patches change in the order of the map, the largest value first. For insertion, they
    appear on the blurred image, and a larger area is better. For deletion, they become
    the mean colour, and a smaller area is better. The area is that under the
    probability of the class, over the share of changed patches.

    Args:
        probabilities: From images to probabilities `[B, K]`.
        images: Normalised inputs of the model, `[B, C, S, S]`.
        maps: `[B, h, w]`.
        categories: The index of a class for each image, `[B]`.
    """
    count = maps[0].numel()
    patch = images.shape[-1] // maps.shape[-1]
    ranks = maps.flatten(1).argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    steps = min(STEPS, count)
    blurred, removed = blur(images, patch), torch.zeros_like(images)
    curves: list[list[Tensor]] = [[], []]
    for step in range(steps + 1):
        changed = (ranks < round(step * count / steps)).reshape(maps.shape)
        mask = changed.repeat_interleave(patch, 1).repeat_interleave(patch, 2)
        mask = mask[:, None]
        inserted = torch.where(mask, images, blurred)
        deleted = torch.where(mask, removed, images)
        for curve, each in zip(curves, (inserted, deleted), strict=True):
            found = probabilities(each).double()
            curve.append(found.gather(1, categories[:, None])[:, 0])
    insertion, deletion = (
        torch.trapezoid(torch.stack(curve, dim=1), dx=1 / steps, dim=1)
        for curve in curves
    )
    return insertion, deletion


def blur(images: Tensor, sigma: float) -> Tensor:
    """Blur images with a Gaussian of `sigma` pixels; their edges are continued."""
    radius = int(3 * sigma)
    offsets = torch.arange(-radius, radius + 1, device=images.device)
    weights = torch.exp(-((offsets / sigma) ** 2) / 2).to(images.dtype)
    weights = weights / weights.sum()
    channels = images.shape[1]
    kernel = weights.expand(channels, 1, 1, -1)
    wide = F.pad(images, (radius,) * 4, mode="replicate")
    across = F.conv2d(wide, kernel, groups=channels)
    return F.conv2d(across, kernel.mT, groups=channels)
