"""Draws a confusion matrix, or the worst of it if there are many classes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from deit_spec.distill.confusion_matrix import ConfusionMatrix
from deit_spec.distill.plot import BLUE, ORANGE, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELLS = 30
"""The largest number of classes for which each cell of the matrix is drawn."""
_BARS = 20
"""The number of classes, and of pairs of them, that are drawn if there are more."""
_LENGTH = 24
"""The number of characters of a class name."""
_CORRECT, _WRONG = BLUE, ORANGE


def draw_confusion_matrix(
    matrix: ConfusionMatrix, names: Sequence[str], title: str
) -> dict[str, bytes]:
    """Draw a confusion matrix as PNG and SVG, with a name for each class.

    A cell has the number of images, and the colour is their share of the images of the
    class. Of more than 30 classes it draws the accuracies of all, the classes with the
    lowest accuracy, and the pairs of classes that are confused most often.
    """
    names = [each if len(each) <= _LENGTH else f"{each[:_LENGTH]}…" for each in names]
    is_small = len(names) <= _CELLS

    def draw(figure: "Figure") -> None:
        if is_small:
            _draw_cells(figure.subplots(), matrix, names)
        else:
            panels = figure.subplots(1, 3, width_ratios=(3, 4, 4))
            _draw_accuracies(panels[0], matrix)
            _draw_worst_classes(panels[1], matrix, names)
            _draw_most_confused(panels[2], matrix, names)
        figure.suptitle(title, x=0.01, ha="left", parse_math=False)

    side = 1.6 + 0.35 * len(names) + 0.06 * max(map(len, names))
    size = (side, side) if is_small else (12, 5)
    return plot(draw, size, {"font.size": 8, "figure.titlesize": 9})


def _draw_cells(axes: "Axes", matrix: ConfusionMatrix, names: Sequence[str]) -> None:
    counts = matrix.counts.numpy()
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    is_correct = np.eye(len(counts), dtype=bool)
    for colours, shown in (("Blues", is_correct), ("Oranges", ~is_correct)):
        cells = np.ma.masked_array(shares, ~shown | (counts == 0))
        axes.imshow(cells, cmap=colours, vmin=0, vmax=1)
    for row, column in zip(*counts.nonzero(), strict=True):
        is_dark = shares[row, column] > 0.6  # noqa: PLR2004  -- of both colour maps
        axes.text(
            *(column, row, f"{counts[row, column]}"),
            ha="center",
            va="center",
            color="white" if is_dark else "black",
            fontsize=7,
        )
    ticks = range(len(names))
    rotation = 0 if max(map(len, names)) <= 2 else 90  # noqa: PLR2004  -- they fit
    axes.set_xticks(ticks, names, rotation=rotation, parse_math=False)
    axes.set_yticks(ticks, names, parse_math=False)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("class")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_accuracies(axes: "Axes", matrix: ConfusionMatrix) -> None:
    found = [each.accuracy for each in matrix.by_class()]
    shares = sorted(100 * each for each in found if each is not None)
    axes.step(range(1, len(shares) + 1), shares, where="mid", color=_CORRECT)
    axes.set_xlim(1, len(shares))
    axes.set_ylim(0, 100)
    axes.set_xlabel("classes, by accuracy")
    _finish(axes, "accuracy, %")


def _draw_worst_classes(
    axes: "Axes", matrix: ConfusionMatrix, names: Sequence[str]
) -> None:
    worst, classes = matrix.worst_classes()[:_BARS], matrix.by_class()
    _draw_bars(
        axes,
        [names[index] for index in worst],
        [100 * (classes[index].accuracy or 0) for index in worst],
        _CORRECT,
    )
    axes.set_xlim(0, 100)
    _finish(axes, "lowest accuracy, %")


def _draw_most_confused(
    axes: "Axes", matrix: ConfusionMatrix, names: Sequence[str]
) -> None:
    pairs = matrix.most_confused()[:_BARS]
    labels = [f"{names[each.label]} → {names[each.predicted]}" for each in pairs]
    _draw_bars(axes, labels, [each.images for each in pairs], _WRONG)
    _finish(axes, "class → predicted class, images")


def _draw_bars(
    axes: "Axes", labels: Sequence[str], values: Sequence[float], colour: str
) -> None:
    axes.barh(range(len(labels)), values, color=colour)
    axes.set_yticks(range(len(labels)), labels, fontsize=7, parse_math=False)
    axes.invert_yaxis()


def _finish(axes: "Axes", title: str) -> None:
    axes.set_title(title, loc="left", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, linewidth=0.4, alpha=0.5)
    axes.set_axisbelow(True)
