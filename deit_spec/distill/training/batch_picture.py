"""Draws training images with their labels, as the student sees them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from deit_spec.diagnostics.printable import shortened
from deit_spec.distill.data import Data
from deit_spec.distill.plot import plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS, _MOST = 6, 24
"""The columns of the grid, and the number of its images."""
_LEAST = 0.005
"""The smallest part of a mixed label that is shown."""
_LENGTH = 14
"""The number of characters that fit over an image."""


def draw_batch(images: Tensor, labels: Tensor, data: Data) -> bytes:
    """Draw the first images of a batch in a grid, as PNG.

    Args:
        images: Normalised images `[B, C, S, S]`.
        labels: Classes `[B]`, or the parts of classes in a mixed label `[B, K]`.
        data: Where they are from; it has the class names and the statistics.
    """
    shown = images[:_MOST].float().cpu()
    mean, std = (torch.tensor(each)[:, None, None] for each in (data.mean, data.std))
    pixels = (shown * std + mean).clamp(0, 1).permute(0, 2, 3, 1).numpy()
    titles = [label_text(each, data.classes) for each in labels[:_MOST].cpu()]
    rows = -(-len(titles) // _COLUMNS)

    def draw(figure: "Figure") -> None:
        grid = figure.subplots(rows, _COLUMNS, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, image, title in zip(grid.flat, pixels, titles, strict=False):
            axes.imshow(image, cmap="gray", vmin=0, vmax=1)
            axes.set_title(title, parse_math=False)

    size = (1.2 * _COLUMNS, 1.5 * rows)
    return plot(draw, size, {"font.size": 8, "axes.titlesize": 8}, ["png"])["png"]


def label_text(label: Tensor, classes: Sequence[str]) -> str:
    r"""A label as text; of a mixed one, the two largest parts on two lines.

    >>> label_text(torch.tensor(1), ["cat", "dog"])
    'dog'
    >>> label_text(torch.tensor([0.7, 0.0, 0.3]), ["cat", "dog", "owl"])
    'cat: 70 %\nowl: 30 %'
    """
    if label.ndim == 0:
        return shortened(classes[int(label)], _LENGTH)
    parts, found = label.topk(min(2, len(label)))
    lines = [
        f"{shortened(classes[index], _LENGTH)}: {100 * part:.0f} %"
        for part, index in zip(parts.tolist(), found.tolist(), strict=True)
        if part >= _LEAST
    ]
    return "\n".join(lines)
