"""The report of a study: tables for people and programs, and a plot."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deit_spec.atomic_write import write_file
from deit_spec.distill.plot import plot
from deit_spec.distill.study.study_results import ROW_HEADS, Mean, Summary
from deit_spec.recipe.run_files import HEADS

VERSION = 1
"""Of the JSON form; it increases when a key is removed or changes its meaning."""
HEAD = ("images", "arm", *HEADS.values(), "teacher")
"""The header of `score_cells`."""
_TEXT_COLUMNS = ("arm", "difference")
# The colours of Okabe and Ito, which people with colour blindness can distinguish.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
_MARKERS = "osD^vPX*"


def write_report(summary: Summary, folder: Path) -> None:
    """Write `study.md`, `study.json`, `study.png` and `study.svg`."""
    for kind, picture in draw(summary).items():
        write_file(folder / f"study.{kind}", picture)
    write_file(folder / "study.json", json.dumps(as_json(summary), indent=2) + "\n")
    write_file(folder / "study.md", as_markdown(summary, "study.png"))


def as_json(summary: Summary) -> dict[str, Any]:
    """The summary as JSON: shares from 0 to 1, an error of null for one seed."""
    return {"version": VERSION, "planned": summary.planned, **asdict(summary)}


def as_markdown(summary: Summary, plot: str | None = None) -> str:
    """The tables as Markdown, with the plot if its file is given."""
    parts = [
        f"# {summary.name}",
        "\n".join(f"- {line}" for line in notes(summary)),
        _table(HEAD, score_cells(summary)),
    ]
    if summary.differences:
        parts.append(_table(difference_head(summary), difference_cells(summary)))
    if plot:
        parts.append(f"![top-1 against the number of training images]({plot})")
    return "\n\n".join(parts) + "\n"


def score_cells(summary: Summary) -> list[list[str]]:
    """A row for each arm and number of images, below `HEAD`."""
    return [
        [f"{row.images:,}", row.arm]
        + [_percent(getattr(row, head)) for head in ROW_HEADS]
        for row in summary.rows
    ]


def difference_head(summary: Summary) -> list[str]:
    """The header of `difference_cells`."""
    return ["difference", *(f"{size:,} images" for size in summary.sizes)]


def difference_cells(summary: Summary) -> list[list[str]]:
    """A row for each pair of arms, with a column for each number of images."""
    pairs = dict.fromkeys((each.arm, each.over) for each in summary.differences)
    rows = []
    for arm, over in pairs:
        means = (summary.difference(arm, over, size) for size in summary.sizes)
        cells = (_percent(mean, signed=True) for mean in means)
        rows.append([f"{arm} over {over}", *cells])
    return rows


def notes(summary: Summary) -> list[str]:
    """Explanations of the numbers."""
    seeds = len(summary.seeds)
    several = f"mean ± standard error over {seeds} seeds" if seeds > 1 else "one seed"
    lines = [
        f"top-1 % on {summary.evaluated:,} held-out images, {several}",
        "fused: the output of `predict`; differences are of fused, paired by seed",
    ]
    if summary.done < summary.planned:
        lines.append(f"{summary.done} of {summary.planned} runs are done")
    if summary.failed:
        lines.append(f"failed: {'; '.join(summary.failed)}")
    return lines


def _percent(mean: Mean | None, *, signed: bool = False) -> str:
    """A share in percent, with its standard error."""
    if mean is None:
        return "-"
    value = 100 * mean.mean
    text = f"{value:+.2f}" if signed else f"{value:.2f}"
    return text if mean.error is None else f"{text} ± {100 * mean.error:.2f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---" if title in _TEXT_COLUMNS else "---:" for title in head]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rows))


def draw(summary: Summary) -> dict[str, bytes]:
    """Plot accuracy against images as PNG and SVG, which are deterministic."""

    def draw_all(figure: Any) -> None:
        _draw_arms(figure.subplots(), summary)
        figure.legend(frameon=False, loc="outside right upper")

    return plot(draw_all, (7, 4.5), {"svg.fonttype": "none"})


def _draw_arms(axes: Any, summary: Summary) -> None:
    rows = summary.rows
    for index, arm in enumerate(summary.arms):
        means = {row.images: row.answer for row in rows if row.arm == arm}
        colour = _COLOURS[index % len(_COLOURS)]
        marker = _MARKERS[index % len(_MARKERS)]
        # Side by side, so that no error bar hides another.
        shift = 1.012 ** (index - (len(summary.arms) - 1) / 2)
        _draw_line(axes, means, shift, label=arm, color=colour, marker=marker)
    means = {row.images: row.teacher for row in rows if row.teacher}
    if means:
        _draw_line(axes, means, 1, label="teacher", color="0.4", linestyle="--")
    axes.set_xscale("log")
    axes.set_xticks(summary.sizes, [f"{size:,}" for size in summary.sizes])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("training images")
    axes.set_ylabel(f"top-1 % on {summary.evaluated:,} held-out images")
    axes.set_title(summary.name, loc="left")
    axes.grid(axis="y", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_line(
    axes: Any, means: dict[int, Mean | None], shift: float, **style: Any
) -> None:
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
