"""The curves of a run, as PNG and SVG: the loss, and how right the heads are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deit_spec.atomic_write import atomic_write
from deit_spec.recipe.run_files import HEADS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEM = "curves"
TERMS = {"loss": "loss", "labels": "labels' part", "teacher": "teacher's part"}
COLOURS = BLACK, BLUE, ORANGE = ("#1b1b1b", "#0072b2", "#d55e00")
"""Told apart by those who see few colours, too (Okabe and Ito)."""
HEAD_COLOURS = (BLUE, ORANGE, BLACK)
"""A head has the colour of what it learns from."""
HEAD_WIDTHS = (2.6, 1.7, 0.8)
"""The last is drawn on top, and of equal scores each is seen."""


def draw(lines: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Draw the lines of `metrics.jsonl`; where there are none, none stay.

    Raises:
        OSError: A file cannot be written.
    """
    trained = [line for line in lines if "loss" in line]
    scored = [line for line in lines if "cls" in line]
    if not trained:
        for kind in ("png", "svg"):
            (folder / f"{STEM}.{kind}").unlink(missing_ok=True)
        return
    # The figure has its own canvas: pyplot would keep it, and look for a screen.
    import matplotlib as mpl  # noqa: PLC0415  -- of the extra `train`
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context({"svg.hashsalt": "deit-spec", "font.size": 9}):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        _draw_loss(left, trained)
        _draw_scores(right, scored)
        for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
            with atomic_write(folder / f"{STEM}.{kind}") as file:
                figure.savefig(file, format=kind, dpi=150, metadata=metadata)


def _draw_loss(axes: "Axes", lines: Sequence[Mapping[str, Any]]) -> None:
    steps = [line["step"] for line in lines]
    terms = TERMS if any(line["teacher"] for line in lines) else {"loss": "loss"}
    for (name, title), colour in zip(terms.items(), COLOURS, strict=False):
        values = [line[name] for line in lines]
        width = 1.8 if name == "loss" else 1.0
        axes.plot(steps, values, color=colour, label=title, linewidth=width)
    _finish(axes, "training loss", "step")


def _draw_scores(axes: "Axes", lines: Sequence[Mapping[str, Any]]) -> None:
    styles = zip(HEADS.items(), HEAD_COLOURS, HEAD_WIDTHS, strict=True)
    for (name, title), colour, width in styles:
        scored = [line for line in lines if name in line]
        if scored:
            steps = [line["step"] for line in scored]
            shares = [100 * line[name]["top1"] for line in scored]
            axes.plot(
                steps,
                shares,
                "o-",
                color=colour,
                label=title,
                linewidth=width,
                markersize=2 + 2 * width,
            )
    _finish(axes, "top-1 on held-out images, %", "step")


def _finish(axes: "Axes", title: str, below: str) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415  -- of the extra `train`

    axes.set_title(title, loc="left")
    axes.set_xlabel(below)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, linewidth=0.4, alpha=0.5)
    if axes.lines:
        axes.legend(frameon=False)
