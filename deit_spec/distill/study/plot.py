"""Accuracy against the number of training images, an arm a line."""

from io import BytesIO
from typing import Any

from deit_spec.distill.study.statistics import Mean
from deit_spec.distill.study.summary import Summary

FORMATS = ("png", "svg")
# Okabe and Ito's colours, which the colour-blind tell apart.
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
_MARKERS = "osD^vP"


def draw(summary: Summary) -> dict[str, bytes]:
    """Draw a study, as PNG and as SVG; the same bytes for the same study."""
    # Only a plot needs matplotlib, and no display.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    settings: Any = {"svg.hashsalt": "deit-spec", "svg.fonttype": "none"}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(7, 4.5), layout="constrained", dpi=150)
        axes = figure.subplots()
        _draw_arms(axes, summary)
        # Beside the lines, whatever their shape.
        figure.legend(frameon=False, loc="outside right upper")
        files = {}
        for form in FORMATS:
            buffer = BytesIO()
            dated = {"Date": None} if form == "svg" else {"Software": None}
            figure.savefig(buffer, format=form, metadata=dated)
            files[form] = buffer.getvalue()
    return files


def _draw_arms(axes: Any, summary: Summary) -> None:
    rows = summary.rows
    for place, arm in enumerate(summary.arms):
        means = {row.images: row.answer for row in rows if row.arm == arm}
        style = {
            "color": _COLORS[place % len(_COLORS)],
            "marker": _MARKERS[place % len(_MARKERS)],
        }
        # Beside one another, so that no error bar hides another.
        shift = 1.012 ** (place - (len(summary.arms) - 1) / 2)
        _line(axes, means, shift, label=arm, **style)
    teachers = {row.images: row.teacher for row in rows if row.teacher}
    if teachers:
        _line(axes, dict(teachers), 1, label="teacher", color="0.4", linestyle="--")
    axes.set_xscale("log")
    axes.set_xticks(summary.sizes, [f"{size:,}" for size in summary.sizes])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("training images")
    axes.set_ylabel(f"top-1 % on {summary.evaluated:,} images held out")
    axes.set_title(summary.name, loc="left")
    axes.grid(axis="y", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)


def _line(axes: Any, means: dict[int, Mean | None], shift: float, **style: Any) -> None:
    points = [(size, mean) for size, mean in sorted(means.items()) if mean]
    axes.errorbar(
        [size * shift for size, _ in points],
        [100 * mean.mean for _, mean in points],
        yerr=[100 * (mean.error or 0) for _, mean in points],
        capsize=2,
        markersize=4,
        linewidth=1.2,
        **style,
    )
